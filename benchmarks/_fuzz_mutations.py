"""How ``fuzz.py`` makes a new input of an old one."""

from __future__ import annotations

import random
import re

_NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_][A-Za-z_0-9.]*")
_NUMBERS = [
    b"0", b"-1", b"1", b"1e308", b"1e400", b"-1e308", b"nan", b"inf", b"-0", b"1e-320", b"0x10", b"1_000", b"",
    b"99999999999999999999", b"9" * 400, b"0.1", b"2147483648", b"9223372036854775807", b"1,5", b"true", b"null",
    b'"1"', b"[]", b"{}", b"08:30", b"65537",
]  # fmt: skip
_SIGNS = [
    b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b'"', b"'", b"=", b"[", b"]", b"{", b"}",
    b"(", b")", b",", b";", b".", b":", b"#", b"\\", b"/", b"../", b"/etc/passwd", b"\\ud800", b"__class__", b"**",
    b"-", b"+", b"%s", b"${x}", "\u2028".encode(), "é".encode(), "\u202e".encode(), b"  ", b"e",
]  # fmt: skip


def mutate_bytes(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """Change some bytes: flip, put in, cut out, repeat, cut off, join with another input."""
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(content) + 1)
        end = min(len(content), at + rng.choice((1, 1, 2, 4, 16, 64)))
        before, part, after = content[:at], content[at:end], content[end:]
        match rng.randrange(7):
            case 0:
                content = before + bytes(byte ^ (1 << rng.randrange(8)) for byte in part) + after
            case 1:
                content = before + rng.randbytes(len(part)) + after
            case 2:
                signs = (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", *_SIGNS)
                content = before + rng.choice(signs) + part + after
            case 3:
                content = before + after
            case 4:
                content = before + part + part * rng.choice((1, 2, 50)) + after
            case 5:
                content = before if rng.random() < 0.3 else content
            case _:
                cut = rng.randrange(len(other) + 1)
                content = before + other[cut : cut + 200] + part + after
    return content[:200_000]


def mutate_text(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """Change words, numbers and lines, and sometimes bytes."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        match rng.randrange(8):
            case 0:
                content = _replace(content, _NUMBER, rng.choice(_NUMBERS), rng)
            case 1:
                words = _WORD.findall(other) or [b"x"]
                content = _replace(content, _WORD, rng.choice([*words, b"", b"x" * 300]), rng)
            case 2:
                content = _change_lines(content, other, rng)
            case 3:
                at = rng.randrange(len(content) + 1)
                content = content[:at] + rng.choice(_SIGNS) * rng.choice((1, 1, 2, 100)) + content[at:]
            case 4:
                found = [place.span() for place in re.finditer(rb"[\[({\"][^\[({\"\])}]*[\])}\"]", content)]
                if found:
                    start, end = rng.choice(found)
                    times = rng.choice((2, 50, 2_000))
                    inner = content[start:end]
                    content = (
                        content[:start] + inner[:1] * times + inner[1:-1] + inner[-1:] * times + content[end:]
                    )
            case 5:
                content = _replace(
                    content, _NUMBER, _WORD.findall(content)[0] if _WORD.search(content) else b"x", rng
                )
            case 6:
                at = rng.randrange(len(content) + 1)
                content = content[:at] + content[min(len(content), at + rng.choice((1, 3, 10))) :]
            case _:
                content = mutate_bytes(content, other, rng)
    return content[:200_000]


def _replace(content: bytes, pattern: re.Pattern[bytes], new: bytes, rng: random.Random) -> bytes:
    found = [place.span() for place in pattern.finditer(content)]
    if not found:
        return content + new
    start, end = rng.choice(found)
    return content[:start] + new + content[end:]


def _change_lines(content: bytes, other: bytes, rng: random.Random) -> bytes:
    lines, others = content.split(b"\n"), other.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, rng.choice(lines))
        case 2:
            lines[at] = rng.choice(others)
        case 3:
            lines[at:at] = [lines[at]] * rng.choice((2, 30, 1_000))
        case _:
            rng.shuffle(lines)
    return b"\n".join(lines)
