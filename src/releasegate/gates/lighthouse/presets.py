"""LHCI's three presets, as facts: which audits they assert, at which level and with which options.

Source: `packages/utils/src/presets/{all,recommended,no-pwa}.js` of @lhci/utils 0.15.1, which names the audits of
Lighthouse 12.6.1 (https://github.com/GoogleChrome/lighthouse-ci). `all` is `off` for what says nothing on a
navigation and `error` for the rest; `recommended` softens it; `no-pwa` is `recommended` without two audits. The order
is the peer's, since its results come in that order.
"""

from collections.abc import Mapping
from typing import Any

VERSION = (12, 6, 1)
"""The Lighthouse version whose audits the presets name."""

_OFF = """
    interaction-to-next-paint uses-responsive-images-snapshot work-during-interaction critical-request-chains
    final-screenshot js-libraries largest-contentful-paint-element layout-shifts main-thread-tasks network-requests
    network-rtt network-server-latency resource-summary screenshot-thumbnails script-treemap-data
    third-party-summary total-blocking-time user-timings diagnostics metrics
"""

_ERROR = """
    aria-allowed-attr aria-allowed-role aria-command-name aria-conditional-attr aria-deprecated-role
    aria-dialog-name aria-hidden-body aria-hidden-focus aria-input-field-name aria-meter-name aria-progressbar-name
    aria-prohibited-attr aria-required-attr aria-required-children aria-required-parent aria-roles aria-text
    aria-toggle-field-name aria-tooltip-name aria-treeitem-name aria-valid-attr-value aria-valid-attr bf-cache
    bootup-time button-name cache-insight clickjacking-mitigation cls-culprits-insight color-contrast
    crawlable-anchors csp-xss cumulative-layout-shift definition-list document-latency-insight document-title
    dom-size-insight dom-size duplicate-id-aria duplicated-javascript-insight duplicated-javascript
    efficient-animated-content empty-heading errors-in-console first-contentful-paint first-meaningful-paint
    font-display-insight font-display font-size forced-reflow-insight form-field-multiple-labels frame-title
    geolocation-on-start has-hsts heading-order html-has-lang html-lang-valid html-xml-lang-mismatch
    http-status-code identical-links-same-purpose image-alt image-aspect-ratio image-delivery-insight
    image-redundant-alt image-size-responsive input-button-name input-image-alt inspector-issues
    interaction-to-next-paint-insight is-crawlable is-on-https label-content-name-mismatch landmark-one-main
    largest-contentful-paint lcp-discovery-insight lcp-lazy-loaded lcp-phases-insight legacy-javascript-insight
    legacy-javascript link-in-text-block link-name link-text long-tasks mainthread-work-breakdown max-potential-fid
    meta-description meta-refresh meta-viewport modern-http-insight modern-image-formats
    network-dependency-tree-insight no-document-write non-composited-animations notification-on-start object-alt
    offscreen-images origin-isolation paste-preventing-inputs prioritize-lcp-image redirects-http
    render-blocking-insight render-blocking-resources robots-txt select-name server-response-time skip-link
    speed-index table-duplicate-name table-fake-caption target-size td-has-header td-headers-attr th-has-data-cells
    third-parties-insight third-party-cookies third-party-facades total-byte-weight unminified-css
    unminified-javascript unsized-images unused-css-rules unused-javascript uses-http2 uses-long-cache-ttl
    uses-optimized-images uses-passive-event-listeners uses-rel-preconnect uses-responsive-images
    uses-text-compression valid-lang valid-source-maps video-caption viewport-insight accesskeys bypass canonical
    charset deprecations dlitem doctype hreflang interactive label list listitem redirects tabindex viewport
"""

_RECOMMENDED = {
    ("warn", None): """
    bootup-time cumulative-layout-shift dom-size dom-size-insight first-contentful-paint first-meaningful-paint
    interactive is-on-https largest-contentful-paint mainthread-work-breakdown max-potential-fid server-response-time
    speed-index
    """,
    ("warn", 0): """
    cache-insight duplicated-javascript legacy-javascript modern-image-formats render-blocking-insight
    render-blocking-resources uses-long-cache-ttl
    """,
    ("error", 0): """
    efficient-animated-content offscreen-images unminified-css unminified-javascript unused-css-rules
    unused-javascript uses-optimized-images uses-rel-preconnect uses-responsive-images uses-text-compression
    """,
    ("off", None): "long-tasks uses-http2",
}


def _options(max_length: int | None) -> dict[str, Any]:
    return {} if max_length is None else {"maxLength": max_length}


_ALL: dict[str, Any] = {audit: ["off", {}] for audit in _OFF.split()} | {
    audit: ["error", {}] for audit in _ERROR.split()
}
_SOFTENED = {
    audit: [level, _options(length)] for (level, length), audits in _RECOMMENDED.items() for audit in audits.split()
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "lighthouse:all": _ALL,
    "lighthouse:recommended": _ALL | _SOFTENED,
    "lighthouse:no-pwa": _ALL | _SOFTENED | {"is-on-https": "off", "viewport": "off"},
}
"""By name, each an `assertions` object as one would write it in `lighthouserc.json`."""

USUAL: Mapping[str, list[Any]] = {
    "categories:performance": ["warn", {"minScore": 0.9}],
    "categories:accessibility": ["error", {"minScore": 0.9}],
    "categories:best-practices": ["error", {"minScore": 0.9}],
    "categories:seo": ["error", {"minScore": 0.9}],
}
"""What is asked where nobody configured anything: the scores that Lighthouse itself shows in green, from 90 on.

Performance only warns, because it differs from run to run and from machine to machine.
"""

KNOWN_AUDITS = frozenset(_ALL)
"""The audit ids that LHCI knows."""
