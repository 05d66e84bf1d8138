"""The smoke checklist: every check by its name, ticked only where it was seen, and no name becomes Markdown."""

from releasegate.render.checklist import checklist


def test_what_nobody_saw_green_is_not_ticked():
    assert checklist("shop v1 (production)", "v1 was taken back: errors", ("page", "checkout"), {}, green=False) == (
        "# Smoke checklist: shop v1 (production)\n\nv1 was taken back: errors\n\n"
        "Nobody has seen these green yet.\n\n- [ ] page\n- [ ] checkout\n"
    )


def test_what_was_seen_green_is_ticked():
    manual = {"a": "Ada, now", "b_": None}
    assert checklist("shop v1 (production)", "v1 is live for everybody", ("page",), manual, green=True) == (
        "# Smoke checklist: shop v1 (production)\n\nv1 is live for everybody\n\n- [x] page\n\n"
        "To be looked at by a person:\n\n- [x] 1. a (Ada, now)\n"
        "- [ ] 2. b\\_ (`releasegate rollback --tick 2` records who and when)\n"
    )


def test_without_any_check_it_says_where_they_go():
    text = checklist("shop v1 (production)", "v1 is live for everybody", (), {}, green=True)
    assert text.splitlines()[-1].startswith("The policy names no smoke checks (`rollback.smoke`)")


def test_a_name_is_text():
    text = checklist("s", "h", ("[x](https://evil.test) <img>\n# forged",), {}, green=False)
    assert text.splitlines()[-1] == r"- [ ] \[x\](https\://evil.test) \<img\> \# forged"
