"""Numbers as people read them: megabytes, millions, shares, durations."""

from datetime import UTC, datetime

from compression.ui.words import say


def megabytes(size_bytes: float) -> str:
    """Bytes as '14.2 MB' (MB is 10⁶ bytes), or '1.6 kB' where that would be 0.0 MB."""
    return f"{size_bytes / 1e3:.1f} kB" if size_bytes < 50_000 else f"{mega(size_bytes)} MB"


def mega(size_bytes: float) -> str:
    """Bytes in MB without the unit, with the decimals that tell sizes apart: '438', '14.2', '0.46'."""
    size = size_bytes / 1e6
    return f"{size:.0f}" if size >= 100 else f"{size:.1f}" if size >= 0.95 else f"{size:.2f}"


def signed_points(fraction: float) -> str:
    """A difference of two shares in percentage points, with its sign: '+0.5', '−1.3', '0.0'."""
    points = f"{100 * fraction:+.1f}".replace("-", "−")
    return "0.0" if points in ("+0.0", "−0.0") else points


def millions(count: float) -> str:
    """A count of parameters as '4.39 M'."""
    return f"{count / 1e6:.2f} M"


def share(fraction: float) -> str:
    """A fraction as '43 %', with a decimal where a whole number would say 0 or 100 and not mean it."""
    percent = 100 * fraction
    if 0 < percent < 0.1:
        return "< 0.1 %"
    exact = percent in (0, 100)
    return f"{percent:.0f} %" if exact or 1 <= percent <= 99 else f"{percent:.1f} %"


def percent(fraction: float | None) -> str:
    """A metric as '97.4 %', or a dash where it is undefined."""
    return say("table.undefined") if fraction is None else f"{100 * fraction:.1f} %"


def duration(seconds: float) -> str:
    """Seconds as '8 s', '2 min 05 s' or '1 h 10 min'."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def moment(unix_seconds: float | None) -> str:
    """A time as '2026-03-01 14:05 UTC'."""
    if unix_seconds is None:
        return say("table.undefined")
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
