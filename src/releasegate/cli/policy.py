"""`releasegate policy`."""

import click

from releasegate.cli.app import App, Noun, pass_app


@click.group(cls=Noun)
def policy() -> None:
    """Explain the policy."""


@policy.command("explain")
@pass_app
def explain(app: App) -> int:
    """Print the policy as it takes effect: with its defaults, and with secrets masked."""
    from releasegate.policy import explain as document  # noqa: PLC0415  keeps `--help` fast

    found = app.policy()
    app.emit(document.explain(found), document.explain_text(found))
    return 0
