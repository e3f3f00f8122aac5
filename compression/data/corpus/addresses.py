"""Names on the internet that are facts: endings, well-known sites, shared hosts; and how common each is."""

ENDINGS_SAFE = {
    "com": 640, "org": 84, "net": 30, "de": 20, "ru": 18, "co.uk": 18, "edu": 14, "com.au": 10, "it": 8, "nl": 8,
    "gov": 8, "ch": 6, "es": 6, "com.br": 6, "gr": 5, "hu": 5, "fr": 6, "pl": 5, "info": 4, "co.za": 3, "cz": 4,
    "com.ua": 3, "no": 3, "eu": 3, "ca": 4, "in": 3, "ro": 3, "us": 3, "org.uk": 3, "se": 3, "sk": 3, "dk": 2, "at": 2,
    "by": 2, "tv": 2, "com.ar": 2, "com.mx": 2, "ir": 2, "be": 2, "me": 2, "hr": 2, "jp": 2, "ie": 2, "io": 3,
    "ac.uk": 2, "pt": 2, "gov.uk": 2, "fi": 2, "co": 2, "vn": 2, "co.nz": 1, "co.in": 1, "cl": 1, "lt": 1, "co.jp": 1,
    "co.kr": 1, "biz": 1, "net.au": 1, "app": 1, "xyz": 1, "club": 1, "com.tr": 1,
}  # fmt: skip

ENDINGS_PHISHING = {
    "com": 560, "net": 36, "ru": 24, "org": 23, "com.au": 15, "co.uk": 14, "com.br": 13, "fr": 13, "it": 12, "pl": 10,
    "nl": 8, "co": 6, "cz": 5, "cn": 7, "de": 6, "io": 2, "link": 3, "be": 4, "cl": 5, "ro": 5, "com.ar": 5, "in": 5,
    "co.kr": 4, "es": 4, "eu": 3, "com.mx": 4, "info": 5, "co.in": 3, "jp": 2, "co.il": 3, "my.id": 3, "us": 3,
    "com.tr": 4, "vn": 3, "hr": 2, "gr": 2, "cc": 3, "ac.id": 3, "xyz": 6, "sk": 2, "co.id": 3, "ir": 3, "ca": 2,
    "dk": 2, "tk": 5, "ml": 3, "ga": 3, "cf": 2, "gq": 2, "pro": 2, "com.ng": 3, "hu": 2, "pe": 2, "se": 2, "lk": 2,
    "club": 3, "top": 5, "com.vn": 2, "go.id": 2, "com.my": 3, "biz": 2, "com.pe": 2, "online": 4, "site": 4,
    "live": 2, "website": 2, "co.za": 3, "com.co": 2, "com.pk": 2, "edu.vn": 1, "ch": 2, "at": 2, "no": 1, "co.jp": 1,
    "com.ua": 2, "ie": 1, "pt": 2, "me": 2, "com.ph": 1, "com.py": 1,
}  # fmt: skip

# Who is imitated, and where the real one lives.
TARGETS = {
    "paypal": "paypal.com", "apple": "apple.com", "icloud": "icloud.com", "amazon": "amazon.com",
    "facebook": "facebook.com", "microsoft": "microsoft.com", "office365": "office.com", "outlook": "live.com",
    "onedrive": "live.com", "google": "google.com", "gmail": "google.com", "dropbox": "dropbox.com",
    "netflix": "netflix.com", "instagram": "instagram.com", "whatsapp": "whatsapp.com", "linkedin": "linkedin.com",
    "ebay": "ebay.com", "chase": "chase.com", "wellsfargo": "wellsfargo.com", "bankofamerica": "bankofamerica.com",
    "citibank": "citi.com", "hsbc": "hsbc.co.uk", "barclays": "barclays.co.uk", "lloyds": "lloydsbank.com",
    "santander": "santander.com", "dhl": "dhl.com", "fedex": "fedex.com", "usps": "usps.com", "ups": "ups.com",
    "adobe": "adobe.com", "docusign": "docusign.com", "yahoo": "yahoo.com", "aol": "aol.com", "att": "att.com",
    "comcast": "xfinity.com", "verizon": "verizon.com", "orange": "orange.fr", "ameli": "ameli.fr",
    "impots": "impots.gouv.fr", "caf": "caf.fr", "hmrc": "hmrc.gov.uk", "irs": "irs.gov", "absa": "absa.co.za",
    "itau": "itau.com.br", "caixa": "caixa.gov.br", "bradesco": "bradesco.com.br", "postbank": "postbank.de",
    "sparkasse": "sparkasse.de", "unicredit": "unicredit.it", "bbva": "bbva.es", "rabobank": "rabobank.nl",
    "ing": "ing.nl", "mastercard": "mastercard.com", "visa": "visa.com", "amex": "americanexpress.com",
    "coinbase": "coinbase.com", "blockchain": "blockchain.com", "binance": "binance.com", "steam": "steampowered.com",
    "alibaba": "alibaba.com", "rakuten": "rakuten.co.jp", "wetransfer": "wetransfer.com", "twitter": "twitter.com",
    "sharepoint": "sharepoint.com", "skype": "skype.com", "walmart": "walmart.com", "swisscom": "swisscom.ch",
    "telstra": "telstra.com.au", "mweb": "mweb.co.za", "hotmail": "live.com", "spotify": "spotify.com",
}  # fmt: skip

# Sites known for their pages, with the shapes of a page: {t} title, {s} slug, {n} number, {w} word, {k} key.
KNOWN_PAGES = {
    "en.wikipedia.org": ("wiki/{t}",) * 3, "de.wikipedia.org": ("wiki/{t}",), "en.wiktionary.org": ("wiki/{w}",),
    "commons.wikimedia.org": ("wiki/Category:{t}",), "en.wikibooks.org": ("wiki/{t}/{t}",),
    "www.youtube.com": ("watch?v={k}", "user/{w}{w}", "channel/{k}", "playlist?list={k}"),
    "www.facebook.com": ("{w}{w}", "pages/{t}/{n}", "groups/{n}"), "twitter.com": ("{w}{w}", "{w}/status/{n}"),
    "www.instagram.com": ("{w}{w}", "p/{k}"), "www.linkedin.com": ("in/{w}-{w}-{n}", "company/{s}", "jobs/{s}"),
    "stackoverflow.com": ("questions/{n}/{s}",), "math.stackexchange.com": ("questions/{n}/{s}",),
    "www.amazon.com": ("{s}/dp/{k}", "gp/help/customer/display.html?nodeId={n}"), "www.amazon.co.uk": ("dp/{k}",),
    "www.quora.com": ("What-is-the-{s}", "How-do-I-{s}"), "www.imdb.com": ("title/tt{n}", "name/nm{n}"),
    "www.merriam-webster.com": ("dictionary/{w}",), "www.dictionary.com": ("browse/{w}",),
    "www.wikihow.com": ("{t}",), "www.reddit.com": ("r/{w}", "r/{w}/comments/{k}/{s}"), "github.com": ("{w}/{s}",),
    "docs.microsoft.com": ("en-us/{w}/{s}",), "support.microsoft.com": ("en-us/help/{n}/{s}",),
    "support.apple.com": ("kb/HT{n}", "en-us/HT{n}"), "itunes.apple.com": ("us/app/{s}/id{n}",),
    "support.google.com": ("{w}/answer/{n}?hl=en",), "play.google.com": ("store/apps/details?id=com.{w}.{w}",),
    "docs.oracle.com": ("cd/E{n}_01/{w}.112/{w}.htm",), "www.cnn.com": ("2019/11/06/{w}/{s}/index.html",),
    "www.nytimes.com": ("2018/03/14/{w}/{s}.html",), "www.bbc.co.uk": ("news/{w}-{n}",), "www.bbc.com": ("{w}/{s}",),
    "www.theguardian.com": ("{w}/2017/may/21/{s}",), "www.ebay.com": ("itm/{s}/{n}", "b/{s}/{n}"),
    "www.walmart.com": ("ip/{s}/{n}", "c/kp/{s}"), "www.pinterest.com": ("{w}{w}/{s}",), "vimeo.com": ("{n}",),
    "www.w3schools.com": ("{w}/{w}_{w}.asp",), "developer.mozilla.org": ("en-US/docs/Web/{w}/{t}",),
    "www.tripadvisor.com": ("Hotel_Review-g{n}-d{n}-Reviews-{t}.html",), "www.scribd.com": ("doc/{n}/{s}",),
    "www.nasa.gov": ("mission_pages/{w}/main",), "www.nih.gov": ("health/{s}",), "www.ietf.org": ("rfc/rfc{n}.txt",),
    "medium.com": ("@{w}{w}/{s}",), "www.goodreads.com": ("book/show/{n}.{t}",), "www.etsy.com": ("listing/{n}/{s}",),
    "www.indeed.com": ("q-{s}-jobs.html",), "www.webmd.com": ("{w}/{s}",), "www.healthline.com": ("health/{s}",),
    "archive.org": ("details/{w}{w}",), "sourceforge.net": ("projects/{w}",), "www.gnu.org": ("software/{w}/manual",),
    "www.dropbox.com": ("features/{s}", "help/{n}"),
    "www.paypal.com": ("us/webapps/mpp/{s}", "us/smarthelp/article/{s}"),
    "www.netflix.com": ("title/{n}", "browse/genre/{n}"), "www.apple.com": ("{w}", "shop/buy-{w}", "{w}/specs"),
    "www.microsoft.com": ("en-us/{w}/{s}", "en-us/download/details.aspx?id={n}"),
    "www.adobe.com": ("products/{w}.html",),
    "www.chase.com": ("personal/{s}", "business/{s}"), "www.dhl.com": ("en/{w}/{s}.html",),
}  # fmt: skip

# Further sites everybody knows, taught as Safe by front page and a few more. Left out: those that have pages among the
# real URLs the teacher is measured on.
WELL_KNOWN = (
    "aa.com", "abc.net.au", "about.com", "accuweather.com", "adidas.com", "admin.ch", "adyen.com", "agoda.com",
    "airbus.com", "airtable.com", "akamai.com", "aliexpress.com", "allegro.pl", "allrecipes.com", "amazon.co.uk",
    "amazon.de", "ancestry.com", "android.com", "answers.com", "aol.com", "apache.org", "apnews.com", "archive.org",
    "arxiv.org", "asahi.com", "asana.com", "asus.com", "atlassian.com", "audible.com", "bahn.de", "baidu.com",
    "bankrate.com", "bbc.com", "behance.net", "berkeley.edu", "bestbuy.com", "bild.de", "bilibili.com", "bitbucket.org",
    "blogger.com", "boeing.com", "bol.com", "box.com", "britishairways.com", "bsky.app", "bund.de",
    "businessinsider.com", "cam.ac.uk", "cambridge.org", "canada.ca", "canon.com", "canva.com", "capitalone.com",
    "cbc.ca", "cbsnews.com", "cdc.gov", "census.gov", "change.org", "chatgpt.com", "chess.com", "cisco.com",
    "citrix.com", "claude.ai", "cloudera.com", "cloudinary.com", "cnbc.com", "coca-cola.com", "columbia.edu",
    "coolmathgames.com", "cornell.edu", "costco.com", "craigslist.org", "crates.io", "dailymail.co.uk",
    "dailymotion.com", "databricks.com", "datadoghq.com", "dell.com", "delta.com", "deviantart.com", "digitalocean.com",
    "discover.com", "disney.com", "disneyplus.com", "douban.com", "dribbble.com", "duckduckgo.com", "duolingo.com",
    "dw.com", "easyjet.com", "ebay.de", "economist.com", "edx.org", "elastic.co", "elsevier.com", "epa.gov", "epfl.ch",
    "europa.eu", "eventbrite.com", "evernote.com", "expedia.com", "fandom.com", "fastly.com", "fda.gov", "fedex.com",
    "fidelity.com", "figma.com", "flickr.com", "ford.com", "foxnews.com", "ft.com", "genius.com", "giphy.com",
    "gitlab.com", "globo.com", "gmail.com", "godaddy.com", "google.co.uk", "google.de", "gov.uk", "grafana.com",
    "grammarly.com", "groupon.com", "hashicorp.com", "hbo.com", "healthline.com", "heroku.com", "history.com", "hm.com",
    "homedepot.com", "honda.com", "hotels.com", "hotmail.com", "hp.com", "hulu.com", "hyatt.com", "ibm.com", "ieee.org",
    "ietf.org", "ign.com", "imgur.com", "indeed.com", "independent.co.uk", "intuit.com", "jd.com", "jetbrains.com",
    "jstor.org", "kayak.com", "kernel.org", "khanacademy.org", "kickstarter.com", "klarna.com", "klm.com", "kraken.com",
    "latimes.com", "leboncoin.fr", "lenovo.com", "letsencrypt.org", "lg.com", "line.me", "linux.org", "loc.gov",
    "logitech.com", "lonelyplanet.com", "lowes.com", "macys.com", "mail.ru", "mailchimp.com", "marca.com",
    "marriott.com", "mastodon.social", "mayoclinic.org", "mercadolibre.com", "merriam-webster.com", "messenger.com",
    "metamask.io", "miro.com", "monday.com", "mongodb.com", "monzo.com", "msn.com", "n26.com", "nasa.gov",
    "nationalgeographic.com", "naver.com", "nba.com", "nbcnews.com", "netlify.com", "newyorker.com", "nfl.com",
    "nginx.org", "nhs.uk", "nih.gov", "nike.com", "noaa.gov", "nodejs.org", "nos.nl", "notion.so", "novartis.com",
    "npr.org", "nvidia.com", "nydailynews.com", "ok.ru", "okta.com", "onet.pl", "openai.com", "opera.com", "oracle.com",
    "orf.at", "otto.de", "oup.com", "outlook.com", "overleaf.com", "ozon.ru", "panasonic.com", "parliament.uk",
    "patreon.com", "pepsi.com", "perplexity.ai", "pfizer.com", "php.net", "politico.com", "postman.com",
    "primevideo.com", "protonmail.com", "pypi.org", "python.org", "pytorch.org", "qq.com", "rai.it", "realtor.com",
    "redhat.com", "repubblica.it", "reuters.com", "revolut.com", "robinhood.com", "roche.com", "rottentomatoes.com",
    "salesforce.com", "sap.com", "sbb.ch", "schwab.com", "sciencedirect.com", "scribd.com", "sentry.io", "sephora.com",
    "seznam.cz", "shein.com", "shopify.com", "shutterstock.com", "siemens.com", "signal.org", "skype.com",
    "skyscanner.net", "slack.com", "snapchat.com", "snowflake.com", "sohu.com", "sony.com", "sorbonne.fr",
    "soundcloud.com", "sourceforge.net", "speedtest.net", "splunk.com", "springer.com", "squarespace.com",
    "squareup.com", "srf.ch", "stackexchange.com", "stanford.edu", "starbucks.com", "steamcommunity.com", "strava.com",
    "stripe.com", "substack.com", "surveymonkey.com", "t.me", "taobao.com", "target.com", "techcrunch.com", "ted.com",
    "telegram.org", "telegraph.co.uk", "temu.com", "tesla.com", "threads.net", "ticketmaster.com", "time.com",
    "trello.com", "tripadvisor.com", "trivago.com", "tum.de", "tumblr.com", "twilio.com", "uber.com", "udemy.com",
    "un.org", "unesco.org", "unilever.com", "united.com", "unsplash.com", "uol.com.br", "ups.com", "usa.gov",
    "usatoday.com", "usbank.com", "usnews.com", "usps.com", "uzh.ch", "vanguard.com", "vercel.com", "vice.com",
    "vimeo.com", "vk.com", "vmware.com", "volvo.com", "vox.com", "w3.org", "w3schools.com", "washingtonpost.com",
    "webflow.com", "webmd.com", "weebly.com", "weibo.com", "wellsfargo.com", "who.int", "wikidata.org", "wikihow.com",
    "wikimedia.org", "wiley.com", "wired.com", "wise.com", "wix.com", "wolframalpha.com", "worldbank.org", "wsj.com",
    "x.com", "xbox.com", "yahoo.co.jp", "yandex.ru", "ycombinator.com", "youtu.be", "zapier.com", "zara.com",
    "zdnet.com", "zendesk.com", "zillow.com",
)  # fmt: skip

# Hosts anyone gets a name on for nothing: how often phishing, how often honest people.
FREE_HOSTS_PHISHING = {
    "blogspot.com": 170, "el.r.appspot.com": 60, "wl.r.appspot.com": 18, "rj.r.appspot.com": 14, "uc.r.appspot.com": 12,
    "appspot.com": 10, "firebaseapp.com": 26, "web.app": 22, "netlify.app": 14, "000webhostapp.com": 26,
    "weebly.com": 12, "wixsite.com": 8, "moonfruit.com": 8, "yolasite.com": 8, "webcindario.com": 8, "csb.app": 6,
    "codesandbox.io": 6, "vercel.app": 7, "herokuapp.com": 6, "glitch.me": 4, "github.io": 4, "duckdns.org": 6,
    "typeform.com": 6, "sharepoint.com": 8, "square.site": 4, "webflow.io": 3, "site44.com": 3, "blogspot.be": 6,
    "dns-cloud.net": 3, "doodlekit.com": 3, "wordpress.com": 5, "myshopify.com": 2, "jkub.com": 2, "dx.am": 2,
    "co.vu": 3, "azurewebsites.net": 4, "blob.core.windows.net": 3, "cloudfront.net": 2, "r.appspot.com": 8,
}  # fmt: skip

FREE_HOSTS_SAFE = {
    "blogspot.com": 95, "wordpress.com": 26, "blogspot.ru": 7, "weebly.com": 9, "tumblr.com": 12, "github.io": 8,
    "wikispaces.com": 5, "wikia.com": 6, "livejournal.com": 5, "readthedocs.io": 3, "herokuapp.com": 2, "ucoz.ru": 3,
    "wixsite.com": 3, "myshopify.com": 4, "altervista.org": 2, "web.app": 1, "netlify.app": 1, "firebaseapp.com": 2,
}  # fmt: skip

SHORTENERS = (
    "bit.ly", "bit.do", "tinyurl.com", "ow.ly", "ht.ly", "rebrand.ly", "cutt.ly", "is.gd", "t.co", "goo.gl", "3.ly",
    "gg.gg", "tiny.cc", "rb.gy", "t.ly", "shorturl.at", "v.ht", "x.co", "buff.ly", "anon.to", "lnkd.in", "1drv.ms",
    "min.bz", "num.to", "2no.co", "urlz.fr", "clck.ru", "soo.gd", "s.id", "tny.im",
)  # fmt: skip

REDIRECTORS = (
    "www.google.com/url?q={}", "vk.com/away.php?to={}", "l.facebook.com/l.php?u={}",
    "translate.google.com/translate?u={}",
    "www.bing.com/ck/a?u={}", "t.umblr.com/redirect?z={}", "away.vk.com/away.php?to={}",
    "steamcommunity.com/linkfilter/?url={}",
)  # fmt: skip

THROWAWAY_ENDINGS = (
    "com", "com", "net", "tk", "ml", "ga", "cf", "gq", "xyz", "top", "online", "site", "info", "cn", "ru", "cc", "live",
)  # fmt: skip

SECOND_LEVEL = frozenset(ending for ending in (*ENDINGS_SAFE, *ENDINGS_PHISHING, "gouv.fr", "edu.au") if "." in ending)
