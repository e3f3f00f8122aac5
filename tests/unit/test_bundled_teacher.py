"""The bundled teacher on addresses everybody knows and on textbook phishing, and its folder."""

from functools import cache
from random import Random

import pytest

from compression.data import corpus
from compression.data.corpus.safe import official_page

KNOWN_SITES = [
    "google.com",
    "youtube.com",
    "facebook.com",
    "instagram.com",
    "twitter.com",
    "wikipedia.org",
    "yahoo.com",
    "whatsapp.com",
    "amazon.com",
    "linkedin.com",
    "netflix.com",
    "live.com",
    "reddit.com",
    "office.com",
    "tiktok.com",
    "bing.com",
    "microsoft.com",
    "apple.com",
    "pinterest.com",
    "ebay.com",
    "twitch.tv",
    "github.com",
    "stackoverflow.com",
    "paypal.com",
    "adobe.com",
    "dropbox.com",
    "spotify.com",
    "bbc.co.uk",
    "cnn.com",
    "nytimes.com",
    "theguardian.com",
    "imdb.com",
    "booking.com",
    "airbnb.com",
    "walmart.com",
    "etsy.com",
    "zoom.us",
    "discord.com",
    "quora.com",
    "medium.com",
    "wordpress.org",
    "mozilla.org",
    "cloudflare.com",
    "samsung.com",
    "ikea.com",
    "espn.com",
    "weather.com",
    "harvard.edu",
    "mit.edu",
    "huggingface.co",
]

PHISHING_SHAPES = (
    "http://paypal.com.account-verify.example/login",
    "http://www.paypal.com.secure-login.example/webscr?cmd=_login",
    "http://appleid.apple.com.verify-id.example/signin",
    "https://amazon.com.order-confirm.example/account/update.php",
    "http://www.bankofamerica.com.online-banking.example/verify",
    "http://facebook.com.login-alert.example/",
    "http://netflix.com.billing-update.example/payment",
    "http://login.microsoftonline.com.office-verify.example/index.php",
    "http://accounts.google.com.signin-security.example/login.php",
    "https://chase.com.secure-auth.example/logon",
    "http://192.168.45.12/paypal/login.php",
    "http://45.77.12.203/wells/signin.php",
    "http://103.21.58.9:8080/secure/index.html",
    "http://185.199.220.14/~admin/apple/verify.php",
    "http://91.134.22.7/bank/update/login.html",
    "http://xn--pypal-4ve.com/login",
    "http://xn--80ak6aa92e.com/",
    "https://xn--gogle-0nd.com/signin",
    "http://xn--mazon-3ve.com/account",
    "http://xn--fcebook-8va.com/login.php",
    "http://paypa1.com/login",
    "http://arnazon.com/signin",
    "http://micros0ft-support.com/verify",
    "http://faceb00k-login.com/",
    "http://g00gle-account.com/security",
    "http://paypal-secure-verify.com/",
    "http://apple-id-locked-support.com/unlock",
    "http://netflix-account-suspended.com/billing",
    "http://secure-chase-login.com/index.php",
    "http://amazon-prize-winner.net/claim.php",
    "http://update-your-wellsfargo-account.com/",
    "http://dhl-delivery-confirm.info/track.php",
    "https://office365-login-verify.web.app/",
    "https://paypal-support-help.firebaseapp.com/",
    "http://facebook-security-check.000webhostapp.com/login.html",
    "https://onedrive-document-share.netlify.app/",
    "http://webmail-upgrade-form.weebly.com/",
    "http://bakery-smith.com/wp-content/plugins/paypal/login.php",
    "http://garden-club.org/wp-includes/js/chase/verify.php",
    "http://oldchurch.org/wp-admin/css/dropbox/index.php",
    "http://plumber-jones.co.uk/images/appleid/signin/",
    "http://hotel-roma.it/cgi-bin/webscr/login.php?cmd=login_submit&id=9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    "http://florist-anna.com/.well-known/pki-validation/adobe/login.php",
    "http://schoolsite.ac.id/docs/office365/index.php?email=user@example.com",
    "http://www.paypal.com@203.0.113.7/login",
    "http://example-shop.com/redirect.php?url=http%3A%2F%2Fevil.example%2Flogin.php",
    "http://q8x7z2kd9w.tk/login.php",
    "http://hjk3lq9vx.xyz/secure/account/verify.php",
    "http://account-update.verify-user.confirm-id.example.ru/login.php",
    "http://secure.login.account.update.bank-online.cf/index.html",
)


# What this teacher gets wrong, as its card says; a better one empties these.
MISSED_SITES = {"whatsapp.com"}
MISSED_SHAPES = {"http://paypa1.com/login", "http://arnazon.com/signin"}


@cache
def _classifier():
    from compression.models.classifier import load_classifier, locate
    from compression.models.device import resolve

    return load_classifier(locate("bundled"), resolve("cpu"))


def _probabilities(urls):
    import torch

    from compression.models.bundled import logits

    classifier = _classifier()
    with torch.inference_mode():
        return logits(classifier.model, classifier.tokenizer, urls).softmax(-1)[:, 1].tolist()


def test_there_are_fifty_of_each():
    assert len(set(KNOWN_SITES)) == len(set(PHISHING_SHAPES)) == 50


@pytest.mark.parametrize("spelling", ["{}", "https://{}", "https://www.{}", "http://{}/", "www.{}", "HTTPS://{}"])
def test_the_best_known_sites_are_safe(spelling):
    found = dict(zip(KNOWN_SITES, _probabilities([spelling.format(site) for site in KNOWN_SITES]), strict=True))
    assert {site for site, p in found.items() if p >= 0.5} == MISSED_SITES


def test_textbook_phishing_is_not_safe():
    found = dict(zip(PHISHING_SHAPES, _probabilities(list(PHISHING_SHAPES)), strict=True))
    assert {url for url, p in found.items() if p < 0.5} == MISSED_SHAPES


@pytest.mark.parametrize("url", [*KNOWN_SITES[:5], *PHISHING_SHAPES[:5]])
def test_the_spelling_of_an_address_changes_nothing(url):
    bare = url.split("//")[-1].removeprefix("www.").rstrip("/")
    spellings = [bare, f"{bare}/", f"http://{bare}", f"https://www.{bare}", f"HTTPS://{bare.upper()}", f" {bare} "]
    found = _probabilities(spellings)
    assert found == pytest.approx([found[0]] * len(found), rel=1e-4)


def test_the_folder_is_small_enough():
    from compression.catalog import BUNDLED_TEACHER

    sizes = [file.stat().st_size for file in BUNDLED_TEACHER.iterdir()]
    assert sum(sizes) <= 16_000_000
    assert max(sizes) <= 9_500_000


def test_none_of_them_was_generated_for_training():
    rng = Random(8)
    urls = [url.text for url in corpus.generate(20_000, 7)] + [f"https://{official_page(rng)}" for _ in range(2_000)]
    plain = {url.split("//")[1].removeprefix("www.").rstrip("/") for url in urls}
    assert not plain & {*KNOWN_SITES, *(url.split("//")[1].rstrip("/") for url in PHISHING_SHAPES)}
