"""Others that serve the same student, and other models of its size: what `serving.py` compares with.

Each is a function from texts to probabilities of Not Safe, with the bytes it holds where these are its own.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from transformers import PreTrainedModel, pipeline

from compression.data.sources import Split
from compression.models.classifier import Classifier

NOTEBOOK_LENGTH, NOTEBOOK_BATCH = 512, 32
Probabilities = Callable[[Sequence[str]], np.ndarray]


def notebook(classifier: Classifier) -> Probabilities:
    """The notebook's loop: batches padded to 512 tokens, eager attention, fp32."""
    classifier = replace(classifier, model=_with_positions(classifier.model, NOTEBOOK_LENGTH))
    classifier.model.set_attn_implementation("eager")

    def answer(texts: Sequence[str]) -> np.ndarray:
        found = []
        with torch.no_grad():
            for start in range(0, len(texts), NOTEBOOK_BATCH):
                inputs = classifier.tokenizer(
                    list(texts[start : start + NOTEBOOK_BATCH]),
                    padding="max_length",
                    truncation=True,
                    max_length=NOTEBOOK_LENGTH,
                    return_tensors="pt",
                )
                kept = {name: inputs[name] for name in ("input_ids", "attention_mask")}
                found.append(torch.softmax(classifier.model(**kept).logits, -1)[:, 1])
        return torch.cat(found).numpy()

    return answer


def default_onnx(classifier: Classifier, folder: Path) -> tuple[Probabilities, int]:
    """Plain `torch.onnx.export` and `quantize_dynamic`, default options, a default session; batches of one length."""
    from onnxruntime.quantization import quantize_dynamic

    model, tokenizer = classifier.model, classifier.tokenizer
    inputs = tokenizer(["http://a.test/", "http://b.test/"], return_tensors="pt")
    given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    free = {name: {0: "batch", 1: "length"} for name in given}
    plain, small = folder / "plain.onnx", folder / "small.onnx"
    model.set_attn_implementation("eager")  # of fused attention the default quantizer makes a graph that does not run
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (),
            plain,
            kwargs=given,
            input_names=list(given),
            output_names=["logits"],
            dynamic_shapes=free,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    quantize_dynamic(plain, small)
    session = onnxruntime.InferenceSession(str(small), providers=["CPUExecutionProvider"])

    def answer(texts: Sequence[str]) -> np.ndarray:
        found = []
        for start in range(0, len(texts), NOTEBOOK_BATCH):
            batch = tokenizer(list(texts[start : start + NOTEBOOK_BATCH]), padding=True, return_tensors="np")
            feeds = {name: batch[name].astype(np.int64) for name in given}
            logits = session.run(None, feeds)[0].astype(np.float64)
            found.append(1 / (1 + np.exp(logits[:, 0] - logits[:, 1])))
        return np.concatenate(found)

    return answer, small.stat().st_size


def transformers_pipeline(classifier: Classifier) -> Probabilities:
    """`transformers.pipeline` on one length a batch."""
    ask = pipeline("text-classification", model=classifier.model, tokenizer=classifier.tokenizer, device="cpu")

    def answer(texts: Sequence[str]) -> np.ndarray:
        found = ask(list(texts), batch_size=NOTEBOOK_BATCH, truncation=True, max_length=classifier.max_length)
        return np.array([each["score"] if each["label"] == "Not Safe" else 1 - each["score"] for each in found])

    return answer


def ngrams(train: Split) -> tuple[Probabilities, int]:
    """TF-IDF of character 2–5-grams and logistic regression; 4 bytes a weight and an idf, and the n-grams' text."""
    model = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(2, 5), sublinear_tf=True), LogisticRegression(C=10, max_iter=1000)
    ).fit(list(train.texts), list(train.labels))
    held = sum(8 + len(gram.encode()) for gram in model[0].vocabulary_)
    return lambda texts: model.predict_proba(list(texts))[:, 1], held


def static(teacher: Classifier, train: Split, width: int = 128) -> tuple[Probabilities, int]:
    """The model2vec idea: the teacher's answer to each token alone, by PCA, averaged over a text; logistic regression.

    Source: Minish Lab 2024, model2vec (static embeddings distilled from a sentence encoder).
    """
    tokens = teacher.tokenizer.backend_tokenizer
    first, last = teacher.tokenizer.cls_token_id, teacher.tokenizer.sep_token_id
    base = getattr(teacher.model, teacher.model.base_model_prefix)
    states = []
    with torch.inference_mode():
        for start in range(0, len(teacher.tokenizer), 256):
            ids = torch.arange(start, min(start + 256, len(teacher.tokenizer)))
            framed = torch.stack([torch.full_like(ids, first), ids, torch.full_like(ids, last)], dim=1)
            states.append(base(input_ids=framed).last_hidden_state[:, 1])
    table = torch.cat(states).numpy()
    table = table - table.mean(0)
    _, _, axes = np.linalg.svd(table, full_matrices=False)
    table = (table @ axes[:width].T).astype(np.float32)

    def vectors(texts: Sequence[str]) -> np.ndarray:
        encoded = tokens.encode_batch(list(texts), add_special_tokens=False)
        return np.stack([table[each.ids or [0]].mean(0) for each in encoded])

    head = LogisticRegression(max_iter=2000).fit(vectors(train.texts), list(train.labels))
    return lambda texts: head.predict_proba(vectors(texts))[:, 1], table.nbytes + 4 * (width + 1)


def _with_positions(model: PreTrainedModel, positions: int) -> PreTrainedModel:
    """A copy of the model that reads so many tokens; positions it has not learnt are zeros, for padding alone."""
    config = type(model.config).from_dict(model.config.to_dict() | {"max_position_embeddings": positions})
    longer, weights = type(model)(config), model.state_dict()
    for name, weight in longer.state_dict().items():
        if weight.shape != weights[name].shape:
            weights[name] = torch.cat([weights[name], torch.zeros(positions - len(weights[name]), weight.shape[1])])
    longer.load_state_dict(weights)
    return longer.eval()
