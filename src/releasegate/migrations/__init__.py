"""Migration files to kinds: expand, contract or irreversible. Pure: nothing is executed, no database is asked."""
