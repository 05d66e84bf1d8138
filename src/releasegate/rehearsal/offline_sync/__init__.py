"""The rehearsal's staging test: what people do without a network is neither lost nor done twice."""
