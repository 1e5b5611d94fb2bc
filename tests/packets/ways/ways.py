# SPDX-License-Identifier: Apache-2.0
# Programs that use an address in ways that Node.js has no words for, as small as they can be. Usage: ways.py freebind|raw|packet|stack
#   freebind  an echo server of the kernel's own UDP and TCP, bound with the socket option IP_FREEBIND
#   raw       SOCK_RAW: ICMP and UDP by this program, what the kernel hands to raw sockets
#   packet    AF_PACKET: ICMP and UDP by this program, what arrives at the interface
#   stack     AF_PACKET with ARP and TCP of its own (no retransmission, no window): a stack in user space
# The last three answer for the address, and once a second speak first to the client's server until they are heard.
import select, socket, struct, sys, threading, time

ADDRESS, CLIENT, PORT, OUT, DEV = "34.123.10.1", "198.51.100.10", 9000, 9100, "eth1"
ME, YOU = socket.inet_aton(ADDRESS), socket.inet_aton(CLIENT)
ICMP, TCP, UDP = 1, 6, 17
SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16


def freebind():
    def udp():
        s = bound(socket.SOCK_DGRAM)
        while True:
            d, peer = s.recvfrom(2048)
            s.sendto(d[:16] + f"|pa|{peer[0]}".encode(), peer)

    def tcp():
        s = bound(socket.SOCK_STREAM)
        s.listen(8)
        while True:
            c, peer = s.accept()
            c.sendall(c.recv(4096) + f"|pa|{peer[0]}|{c.getsockname()[0]}".encode())

    def bound(kind, port=PORT):
        s = socket.socket(socket.AF_INET, kind)
        s.setsockopt(socket.IPPROTO_IP, 15, 1)
        s.bind((ADDRESS, port))
        return s

    for f in (udp, tcp):
        threading.Thread(target=f, daemon=True).start()
    print("ready", flush=True)
    for kind, what in ((socket.SOCK_DGRAM, "udp"), (socket.SOCK_STREAM, "tcp")):
        try:
            s = bound(kind, 0)
            s.settimeout(1)
            s.connect((CLIENT, OUT))
            s.send(b"0" * 16)
            print(f"{what} out {'ok' if f'|{ADDRESS}' in s.recv(2048).decode() else 'wrong'}", flush=True)
        except OSError as e:
            print(f"{what} out {e}", flush=True)
    time.sleep(3600)


def total(data):
    data += b"\0" * (len(data) % 2)
    n = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while n >> 16:
        n = (n & 0xFFFF) + (n >> 16)
    return ~n & 0xFFFF


def header(proto, dst, data):
    h = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64, proto, 0, ME, dst)
    return h[:10] + struct.pack("!H", total(h)) + h[12:] + data


def pseudo(proto, dst, data):
    return total(struct.pack("!4s4sBBH", ME, dst, 0, proto, len(data)) + data)


class Raw:
    """What the kernel's own input hands on; the kernel routes what is sent."""

    def __init__(self):
        self.inputs = [socket.socket(socket.AF_INET, socket.SOCK_RAW, p) for p in (ICMP, UDP)]
        self.out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.out.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, DEV.encode())

    def send(self, proto, dst, data):
        self.out.sendto(header(proto, dst, data), (socket.inet_ntoa(dst), 0))


class Packet:
    """What arrives at the interface, before the kernel has an opinion. ARP is this program's own."""

    def __init__(self):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        s.bind((DEV, 0x0800))
        self.inputs, self.out, self.mac = [s], s, self.resolve()

    def resolve(self):
        routes = [line.split() for line in open("/proc/net/route")]
        gateway = next(bytes.fromhex(r[1])[::-1] for r in routes if r[0] == DEV and r[7] == "FFFFFFFF")
        mine = next(bytes.fromhex(r[1])[::-1] for r in routes if r[0] == DEV and r[7] != "FFFFFFFF")
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        s.bind((DEV, 0x0806))
        hw = s.getsockname()[4]
        s.send(b"\xff" * 6 + hw + struct.pack("!HHHBBH6s4s6s4s", 0x0806, 1, 0x0800, 6, 4, 1, hw, mine, b"\0" * 6, gateway))
        while True:
            d = s.recv(2048)
            if d[20:22] == b"\0\2" and d[28:32] == gateway:
                return d[22:28]

    def send(self, proto, dst, data):
        self.out.sendto(header(proto, dst, data), (DEV, 0x0800, 0, 0, self.mac))


class Stack:
    def __init__(self, link, tcp):
        self.link, self.tcp, self.flows, self.heard = link, tcp, {}, set()

    def ok(self, what):
        if what not in self.heard:
            print(f"{what} out ok", flush=True)
        self.heard.add(what)

    def udp(self, dst, sport, dport, data):
        h = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
        self.link.send(UDP, dst, h[:6] + struct.pack("!H", pseudo(UDP, dst, h + data)) + data)

    def icmp(self, dst, kind, rest):
        self.link.send(ICMP, dst, struct.pack("!BBH", kind, 0, total(struct.pack("!BBH", kind, 0, 0) + rest)) + rest)

    def segment(self, flow, flags, data=b""):
        dst, dport, sport = flow
        seq, ack = self.flows[flow]
        h = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0)
        self.link.send(TCP, dst, h[:16] + struct.pack("!H", pseudo(TCP, dst, h + data)) + h[18:] + data)
        self.flows[flow] = ((seq + len(data) + (1 if flags & (SYN | FIN) else 0)) & 0xFFFFFFFF, ack)

    def speak(self):
        self.udp(YOU, OUT, OUT, b"0" * 16)
        self.icmp(YOU, 8, struct.pack("!HH", 7, 1) + b"way")
        if self.tcp and "tcp" not in self.heard:
            flow = (YOU, OUT, 40000 + int(time.time()) % 9999)
            self.flows[flow] = (1000, 0)
            self.segment(flow, SYN)

    def take(self, p):
        proto, src, dst, head = p[9], p[12:16], p[16:20], 4 * (p[0] & 15)
        if dst != ME:
            return
        data = p[head : struct.unpack("!H", p[2:4])[0]]
        if proto == ICMP and data[0] == 8:
            self.icmp(src, 0, data[4:])
        elif proto == ICMP and data[0] == 0:
            self.ok("icmp")
        elif proto == UDP:
            self.take_udp(src, data)
        elif proto == TCP and self.tcp:
            self.take_tcp(src, data)

    def take_udp(self, src, d):
        sport, dport = struct.unpack("!HH", d[:4])
        if dport == PORT:
            self.udp(src, dport, sport, d[8:24] + f"|pa|{socket.inet_ntoa(src)}".encode())
        elif dport == OUT and d.endswith(f"|{ADDRESS}".encode()):
            self.ok("udp")

    def take_tcp(self, src, d):
        sport, dport, seq, ack, off, flags = struct.unpack("!HHIIBB", d[:14])
        flow, data = (src, sport, dport), d[4 * (off >> 4) :]
        if flags & SYN and not flags & ACK and dport == PORT:
            self.flows[flow] = (7000, seq + 1)
            return self.segment(flow, SYN | ACK)
        if flow not in self.flows or flags & RST:
            return
        self.flows[flow] = (self.flows[flow][0], (seq + len(data) + (1 if flags & (SYN | FIN) else 0)) & 0xFFFFFFFF)
        if flags & SYN:
            self.segment(flow, ACK | PSH, b"0" * 16)
        elif data and dport == PORT:
            self.segment(flow, ACK | PSH, data + f"|pa|{socket.inet_ntoa(src)}|{ADDRESS}".encode())
        elif data:
            self.ok("tcp")
            self.segment(flow, ACK | FIN)
        elif flags & FIN:
            self.segment(flow, ACK | FIN)

    def run(self):
        print("ready", flush=True)
        due = 0
        while True:
            if time.time() >= due:
                due = time.time() + 1
                try:
                    self.speak()
                except OSError as e:
                    print(f"speak: {e}", flush=True)
            for s in select.select(self.link.inputs, [], [], 0.1)[0]:
                self.take(s.recv(65535))


MODES = {"freebind": freebind, "raw": lambda: Stack(Raw(), False).run(), "packet": lambda: Stack(Packet(), False).run()}
MODES["stack"] = lambda: Stack(Packet(), True).run()
MODES[sys.argv[1]]()
