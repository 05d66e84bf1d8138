"""Values to text, Markdown and HTML. Pure."""
