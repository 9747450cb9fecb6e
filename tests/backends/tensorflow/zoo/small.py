"""Architectures that no package is needed for, written as users of Keras write them."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from tests.backends.tensorflow.zoo.inputs import images, padded, sequences, tokens
from tests.backends.zoo.entry import Entry


def _block(x: Any, channels: int) -> Any:
    for _ in range(2):
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return x


def unet() -> Any:
    """Ronneberger et al. 2015, three levels, transposed convolutions."""
    image = keras.Input((32, 32, 3))
    x, kept = layers.Rescaling(1 / 255)(image), []
    for channels in (16, 32):
        kept.append(x := _block(x, channels))
        x = layers.MaxPooling2D()(x)
    x = _block(x, 64)
    for channels in (32, 16):
        x = layers.Conv2DTranspose(channels, 2, strides=2)(x)
        x = _block(layers.Concatenate()([kept.pop(), x]), channels)
    return keras.Model(image, layers.Conv2D(2, 1)(x))


def segmenter() -> Any:
    """Dilated convolutions at several rates, and bilinear upsampling, as in DeepLab. Chen et al. 2017."""
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="swish")(layers.Rescaling(1 / 255)(image))
    rates = [
        layers.Conv2D(8, 3, dilation_rate=rate, padding="same", activation="relu")(x) for rate in (1, 2, 4)
    ]
    x = layers.Conv2D(4, 1)(layers.Concatenate()(rates))
    return keras.Model(image, layers.UpSampling2D(2, interpolation="bilinear")(x))


class Encoder(keras.Model):  # type: ignore[misc]
    """Two layers of a pre-norm transformer over learned positions, with Keras' own attention."""

    def __init__(self, vocabulary: int = 50, length: int = 12, width: int = 32) -> None:
        super().__init__()
        self.tokens = layers.Embedding(vocabulary, width)
        self.positions = self.add_weight(shape=(length, width), name="positions")
        self.attentions = [layers.MultiHeadAttention(4, width // 4) for _ in range(2)]
        self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(4)]
        self.grow = [layers.Dense(4 * width, activation="gelu") for _ in range(2)]
        self.shrink = [layers.Dense(width) for _ in range(2)]
        self.head = layers.Dense(3)

    def call(self, ids: Any) -> Any:
        x = self.tokens(ids) + self.positions
        for i, attention in enumerate(self.attentions):
            y = self.norms[2 * i](x)
            x = x + attention(y, y)
            x = x + self.shrink[i](self.grow[i](self.norms[2 * i + 1](x)))
        return self.head(ops.mean(x, axis=1))


class Transformer(keras.Model):  # type: ignore[misc]
    """Two post-norm layers over embedded positions; how it masks is what its heirs say."""

    def __init__(self, vocabulary: int = 50, length: int = 12, width: int = 32, classes: int = 3) -> None:
        super().__init__()
        self.tokens, self.positions = (
            layers.Embedding(vocabulary, width),
            layers.Embedding(length, width),
        )
        self.attentions = [layers.MultiHeadAttention(4, width // 4) for _ in range(2)]
        self.norms = [layers.LayerNormalization() for _ in range(4)]
        self.grow = [layers.Dense(4 * width, activation="gelu") for _ in range(2)]
        self.shrink = [layers.Dense(width) for _ in range(2)]
        self.head = layers.Dense(classes)

    def encoded(self, ids: Any, **masking: Any) -> Any:
        x = self.tokens(ids) + self.positions(ops.arange(ops.shape(ids)[1]))
        for i, attention in enumerate(self.attentions):
            x = self.norms[2 * i](x + attention(x, x, **masking))
            x = self.norms[2 * i + 1](x + self.shrink[i](self.grow[i](x)))
        return x


class Decoder(Transformer):
    """Each token sees those before it; the next one is said for each. Radford et al. 2018."""

    def call(self, ids: Any) -> Any:
        return self.head(self.encoded(ids, use_causal_mask=True))


class PaddedEncoder(Transformer):
    """Inputs by name, tokens that are padding masked, as DistilBERT has them. Sanh et al. 2019, arXiv:1910.01108."""

    def call(self, inputs: Any) -> Any:
        mask = ops.cast(inputs["padding_mask"][:, None, :], "bool")
        return self.head(self.encoded(inputs["token_ids"], attention_mask=mask)[:, 0])


def _built(model: Any, inputs: Any) -> Any:
    model(*inputs)
    return model


def temporal() -> Any:
    """Dilated causal convolutions over time with residuals. Bai et al. 2018, arXiv:1803.01271."""
    steps = keras.Input((32, 8))
    x = layers.Conv1D(16, 1)(steps)
    for rate in (1, 2, 4):
        y = layers.Conv1D(16, 3, padding="causal", dilation_rate=rate, activation="relu")(x)
        x = layers.Add()([x, layers.Conv1D(16, 1)(y)])
    return keras.Model(steps, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)))


def tagger(kind: Any) -> Any:
    """An embedding, a recurrent layer in both directions, a class for each token."""
    ids = keras.Input((12,), dtype="int32")
    x = layers.Bidirectional(kind(16, return_sequences=True))(layers.Embedding(50, 16)(ids))
    return keras.Model(ids, layers.Dense(5)(layers.Dense(16, activation="relu")(x)))


def text_cnn() -> Any:
    """Convolutions of several widths over words. Kim 2014, arXiv:1408.5882."""
    ids = keras.Input((24,), dtype="int32")
    x = layers.Embedding(50, 16)(ids)
    pooled = [
        layers.GlobalMaxPooling1D()(layers.Conv1D(12, width, activation="relu")(x)) for width in (2, 3, 4)
    ]
    return keras.Model(ids, layers.Dense(3)(layers.Concatenate()(pooled)))


ENTRIES = (
    Entry("unet", "own", unet, images(32)),
    Entry("segmenter", "own", segmenter, images(32)),
    Entry("encoder", "own", lambda: _built(Encoder(), tokens(12, 50)(1)), tokens(12, 50), True),
    Entry("decoder", "own", lambda: _built(Decoder(classes=50), tokens(12, 50)(1)), tokens(12, 50)),
    Entry("padded_encoder", "own", lambda: _built(PaddedEncoder(), padded(12, 50)(1)), padded(12, 50)),
    Entry("temporal", "own", temporal, sequences(32, 8)),
    Entry("lstm_tagger", "own", lambda: tagger(layers.LSTM), tokens(12, 50)),
    Entry("gru_tagger", "own", lambda: tagger(layers.GRU), tokens(12, 50)),
    Entry("text_cnn", "own", text_cnn, tokens(24, 50)),
)
