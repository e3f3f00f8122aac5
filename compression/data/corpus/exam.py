"""What the bundled teacher is examined on: addresses that no lesson may hold, in any spelling.

The best-known sites are held out by their front page (other pages of them are taught), the further sites and the
textbook shapes by their registered domain (nothing of them is).
"""

import re
from functools import cache

from compression.data.corpus import registered_domain

BEST_KNOWN_SITES = (
    "google.com", "youtube.com", "facebook.com", "instagram.com", "twitter.com", "wikipedia.org", "yahoo.com",
    "whatsapp.com", "amazon.com", "linkedin.com", "netflix.com", "live.com", "reddit.com", "office.com", "tiktok.com",
    "bing.com", "microsoft.com", "apple.com", "pinterest.com", "ebay.com", "twitch.tv", "github.com",
    "stackoverflow.com", "paypal.com", "adobe.com", "dropbox.com", "spotify.com", "bbc.co.uk", "cnn.com", "nytimes.com",
    "theguardian.com", "imdb.com", "booking.com", "airbnb.com", "walmart.com", "etsy.com", "zoom.us", "discord.com",
    "quora.com", "medium.com", "wordpress.org", "mozilla.org", "cloudflare.com", "samsung.com", "ikea.com", "espn.com",
    "weather.com", "harvard.edu", "mit.edu", "huggingface.co",
)  # fmt: skip

FURTHER_SITES = (
    "lufthansa.com", "toyota.com", "nature.com", "mcdonalds.com", "lego.com", "nintendo.com", "bosch.com",
    "philips.com", "nestle.com", "hilton.com", "ryanair.com", "bmw.com", "zalando.de", "spiegel.de", "lemonde.fr",
    "elpais.com", "corriere.it", "aljazeera.com", "bloomberg.com", "forbes.com", "kaggle.com", "docker.com",
    "ubuntu.com", "postgresql.org", "rust-lang.org", "ox.ac.uk", "ethz.ch", "cern.ch", "unicef.org", "redcross.org",
)  # fmt: skip

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


def held_out(url: str) -> bool:
    """Whether a lesson must not hold this URL (with its scheme): the teacher is examined on it, or on its domain."""
    fronts, domains = _examined()
    return _plain(url) in fronts or registered_domain(url.lower()).removeprefix("www.") in domains


@cache
def _examined() -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(BEST_KNOWN_SITES), frozenset(FURTHER_SITES) | {registered_domain(url) for url in PHISHING_SHAPES}


def _plain(url: str) -> str:
    return re.sub(r"^[a-z]+://(www\.)?", "", url.lower()).rstrip("/")
