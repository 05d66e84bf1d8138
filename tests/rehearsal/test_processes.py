"""The ports of a rehearsal's processes: free, and none that anybody else is given before they are used."""

import socket
from contextlib import ExitStack
from pathlib import Path

from releasegate.rehearsal.processes import free_ports


def test_ports_are_free_different_and_none_that_the_system_gives_away_by_itself():
    ports = free_ports(60)
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert (len({*ports}), max(ports) < lowest, min(ports) > 1024) == (60, True, True)
    with ExitStack() as listening:
        for port in ports:
            listening.enter_context(socket.create_server(("127.0.0.1", port)))
        assert {*free_ports(60)} & {*ports} == set()
