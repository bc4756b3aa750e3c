"""Debian's Mosquitto as a child process: logins with a password, each of which may write only its own level."""

import shutil
import socket
import subprocess
from pathlib import Path
from typing import ClassVar

from streams.local.process import LOOPBACK, LocalService, ServiceMissingError

PATHS = ("mosquitto", "/usr/sbin/mosquitto")
BRIDGE, PASSWORD = "bridge", "of the bridge"


class LocalMosquitto(LocalService):
    """An MQTT broker that keeps what it has taken over a kill, as far as it can: it saves at every change.

    Parameters
    ----------
    logins
        Gateway ids, each with its own id as password; ``gateways/<id>/#`` is what it may write.
    """

    name: ClassVar[str] = "mosquitto"

    def __init__(self, logins: tuple[str, ...], data_dir: Path | None = None, port: int | None = None) -> None:
        super().__init__(data_dir, port, start_seconds=20.0)
        self._logins = logins

    @classmethod
    def require(cls) -> None:
        if cls._binary() is None:
            raise ServiceMissingError("Mosquitto is missing: apt-get install mosquitto")

    @classmethod
    def _binary(cls) -> str | None:
        return next((found for path in PATHS if (found := shutil.which(path))), None)

    def _prepare(self) -> None:
        passwords, rights, config = (self.data_dir / name for name in ("passwords", "rights", "mosquitto.conf"))
        if not passwords.exists():
            lines = [f"{BRIDGE}:{PASSWORD}", *(f"{login}:{login}" for login in self._logins)]
            passwords.write_text("\n".join(lines) + "\n")
            passwords.chmod(0o600)
            subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
        rights.write_text(f"pattern write gateways/%u/#\nuser {BRIDGE}\ntopic read gateways/#\n")
        lines = [
            f"listener {self.port} {LOOPBACK}",
            "allow_anonymous false",
            f"password_file {passwords}",
            f"acl_file {rights}",
            "persistence true",
            f"persistence_location {self.data_dir}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            "max_inflight_messages 2000",
            "max_queued_messages 0",
            "user root",
        ]
        config.write_text("\n".join(lines) + "\n")

    def _command(self) -> list[str]:
        return [self._binary() or "mosquitto", "-c", str(self.data_dir / "mosquitto.conf")]

    def _is_ready(self) -> bool:
        try:
            socket.create_connection((LOOPBACK, self.port), 1.0).close()
        except OSError:
            return False
        return True
