"""Decryption of what Holdfast stored: one message of the AWS Encryption SDK for each object."""

import functools
import gc
import struct

from manifest import read_key
from refusal import DAMAGED, Refusal

CHUNK_BYTES = 1024 * 1024


class Damage(Exception):
    """What is wrong with a stored object."""


def decryption(key_id, key):
    """@returns a function from an encrypted stream and the context it must have to the chunks of what was encrypted"""
    # Thousands of classes, none of them garbage: to look for it all the while takes 0.15 s.
    gc.disable()
    import aws_encryption_sdk
    from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
    from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
    from aws_cryptographic_material_providers.mpl.models import AesWrappingAlg, CreateRawAesKeyringInput

    gc.enable()
    keyring = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig()).create_raw_aes_keyring(
        input=CreateRawAesKeyringInput(
            key_namespace="holdfast",
            key_name=key_id,
            wrapping_key=key,
            wrapping_alg=AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
        )
    )
    client = aws_encryption_sdk.EncryptionSDKClient()

    def decrypt(source, expected):
        with client.stream(mode="d", source=source, keyring=keyring) as stream:
            # Objects of one key could otherwise be exchanged.
            if not expected.items() <= stream.header.encryption_context.items():
                raise ValueError("it is another object's bytes")
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk

    return decrypt


class KeyFiles:
    """Keys without their names: a message says which it needs, and which file holds that is tried out once."""

    def __init__(self, paths):
        self.paths = paths

    def decrypt(self, path, expected):
        """@returns the chunks of the plain content. @throws Damage"""
        if not self.paths:
            raise Refusal(DAMAGED, f"{path} is encrypted", "name the file of its key: --key")
        try:
            decrypt = self.find(key_id_of(path), path, tuple(expected.items()))
            with open(path, "rb") as file:
                yield from decrypt(file, expected)
                if file.read(1):
                    raise Damage("is longer than it was")
        except (OSError, Refusal, Damage):
            raise
        except Exception as error:  # the SDK's own kinds have no common ancestor
            raise Damage(f"cannot be decrypted: {error}") from None

    def find(self, key_id, path, expected):
        if key_id not in self.found:
            self.found[key_id] = self.try_all(key_id, path, dict(expected))
        return self.found[key_id]

    @functools.cached_property
    def found(self):
        return {}

    def try_all(self, key_id, path, expected):
        failure = None
        for key_file in self.paths:
            decrypt = decryption(key_id, read_key(key_file))
            try:
                with open(path, "rb") as file:
                    next(decrypt(file, expected), None)
                return decrypt
            except Exception as error:
                failure = error
        what = f'none of the keys given opens {path}, which needs "{key_id}": {failure}'
        raise Refusal(DAMAGED, what, f"name the file of that key as well: --key {key_id}.key; if it is there, the object was altered")


def key_id_of(path):
    """The name of the wrapping key, from the header of the message (format version 2)."""
    with open(path, "rb") as file:
        header = file.read(64 * 1024)
    try:
        if header[0] != 2:
            raise Damage("is no message of the AWS Encryption SDK")
        at = 1 + 2 + 32
        at += 2 + struct.unpack_from(">H", header, at)[0]
        at += 2  # the number of encrypted data keys: one
        at += 2 + struct.unpack_from(">H", header, at)[0]  # "holdfast"
        length = struct.unpack_from(">H", header, at)[0]
        # The name, then the lengths of tag and IV and the IV itself.
        return header[at + 2 : at + 2 + length - 20].decode("ascii")
    except (struct.error, IndexError, UnicodeDecodeError):
        raise Damage("is no message of the AWS Encryption SDK") from None
