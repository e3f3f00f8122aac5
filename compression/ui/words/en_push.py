"""The words of taking a model along, in English."""

PUSH = {
    "push": "Take it with you",
    "push.lead": "Push a model to your own Hugging Face account, with a card that says what it is and how it did.",
    "push.model": "Model",
    "push.to": "Repository",
    "push.to.info": "As owner/name, the owner being you or an organization of yours. It is created if need be.",
    "push.to.placeholder": "your-name/small-phishing-detector",
    "push.private": "Private",
    "push.private.info": "Only its owner sees it. It can be opened to everyone later, on the Hub.",
    "push.token": "Your access token",
    "push.token.info": "One with write access, from huggingface.co/settings/tokens. Used for this push alone.",
    "push.token.missing": "Enter an access token with write access, from huggingface.co/settings/tokens.",
    "push.sign-in": "Sign in with Hugging Face",
    "push.sign-in.missing": "Sign in with Hugging Face first, then push.",
    "push.unavailable": "Nobody can sign in on this hosted page, so it cannot push. Run the lab on your own machine, "
    "or duplicate this Space with sign-in switched on.",
    "push.button": "Push",
    "push.replace": "Yes, replace what {repo} holds",
    "push.exists": "{repo} exists already and was left as it is. Replace all that it holds, or choose another name.",
    "push.done": "Pushed to {repo}. It is here:",
    "push.unfinished": "There is no finished run to push. Press Run, or open one of your runs below.",
}
