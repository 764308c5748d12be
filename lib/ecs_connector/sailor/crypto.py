"""Encrypt and decrypt payloads as the platform does.

AES-256-CBC with PKCS#7; the key is the SHA-256 of the password and the IV is constant, so equal texts
have equal ciphertexts.

Source: https://github.com/elasticio/sailor-nodejs/blob/master/lib/cipher.js
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ecs_connector.errors import EnvelopeError, SettingsError

_BLOCK_BYTES = 16


class PayloadCipher:
    """A password and an IV, ready for any number of payloads; safe to share between threads."""

    def __init__(self, password: str, iv: str) -> None:
        """Prepare the cipher.

        Raises:
            SettingsError: The IV is not 16 bytes long.
        """
        iv_bytes = iv.encode()
        if len(iv_bytes) != _BLOCK_BYTES:
            raise SettingsError(
                f"ELASTICIO_MESSAGE_CRYPTO_IV must be {_BLOCK_BYTES} bytes long, not {len(iv_bytes)}.",
                field="ELASTICIO_MESSAGE_CRYPTO_IV",
            )
        key = hashlib.sha256(password.encode()).digest()
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(iv_bytes))

    def encrypt(self, plaintext: bytes) -> bytes:
        """Return the raw ciphertext."""
        padding = _BLOCK_BYTES - len(plaintext) % _BLOCK_BYTES
        encryptor = self._cipher.encryptor()
        return encryptor.update(plaintext + bytes((padding,)) * padding) + encryptor.finalize()

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return the plaintext of a raw ciphertext.

        Raises:
            EnvelopeError: It was not made with this password and IV.
        """
        if not ciphertext or len(ciphertext) % _BLOCK_BYTES:
            raise EnvelopeError(f"The payload is not encrypted: {len(ciphertext)} bytes are not whole blocks.")
        decryptor = self._cipher.decryptor()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        padding = padded[-1]
        if not 1 <= padding <= _BLOCK_BYTES or padded[-padding:] != bytes((padding,)) * padding:
            raise EnvelopeError("The payload cannot be decrypted: wrong password, wrong IV, or not encrypted.")
        return padded[:-padding]
