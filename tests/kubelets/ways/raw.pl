# SPDX-License-Identifier: Apache-2.0
# Option 3 of the seed: no address in the Pod at all. A packet socket on eth1 sees what arrives; this program parses it and builds the answers
# itself, for ICMP and UDP. (A TCP of one's own is option 4.) It also speaks first. Arguments: address, client, port of the client.
use strict; use warnings; use Socket; $| = 1;
my ($address, $client, $port) = @ARGV;
my ($AF_PACKET, $IP) = (17, 0x0800);
socket(my $s, $AF_PACKET, SOCK_DGRAM, unpack("S", pack("n", $IP))) or die "packet socket: $!";
open(my $f, "<", "/sys/class/net/eth1/ifindex") or die $!; chomp(my $index = <$f>);
bind($s, pack("S n i S C C a8", $AF_PACKET, $IP, $index, 0, 0, 6, "")) or die "bind: $!";
# The gateway's MAC address, learnt by the wrapper's ping.
open(my $arp, "<", "/proc/net/arp") or die $!;
my ($mac) = map { (split)[3] } grep { / eth1$/ } <$arp>;
my $to = pack("S n i S C C a8", $AF_PACKET, $IP, $index, 0, 0, 6, pack("H2" x 6, split /:/, $mac));

sub sum { my $d = shift; $d .= "\0" if length($d) % 2; my $n = 0; $n += $_ for unpack("n*", $d);
  $n = ($n & 0xffff) + ($n >> 16) while $n >> 16; return ~$n & 0xffff }
sub ip { my ($proto, $dst, $data) = @_;
  my $h = pack("C C n n n C C n a4 a4", 0x45, 0, 20 + length $data, 0, 0, 64, $proto, 0, inet_aton($address), inet_aton($dst));
  substr($h, 10, 2) = pack("n", sum($h)); send($s, $h . $data, 0, $to) or warn "send: $!" }
sub udp { my ($dst, $from, $at, $data) = @_; ip(17, $dst, pack("n n n n", $from, $at, 8 + length $data, 0) . $data) } # checksum 0: none
sub icmp { my ($dst, $type, $rest) = @_; my $m = pack("C C n", $type, 0, 0) . $rest; substr($m, 2, 2) = pack("n", sum($m)); ip(1, $dst, $m) }

my $next = 0;
while (1) {
  if (time >= $next) { $next = time + 1; udp($client, 9999, $port, "?"); icmp($client, 8, pack("n n", 7, 1) . "raw") }
  my $r = ""; vec($r, fileno($s), 1) = 1;
  next unless select($r, undef, undef, 0.2);
  recv($s, my $p, 65535, 0);
  my ($proto, $src, $dst) = (unpack("x9 C", $p), map { inet_ntoa($_) } unpack("x12 a4 a4", $p));
  next unless $dst eq $address;
  my $data = substr($p, 4 * (ord($p) & 15), unpack("x2 n", $p) - 4 * (ord($p) & 15));
  if ($proto == 1) { my $t = ord $data; icmp($src, 0, substr $data, 4) if $t == 8; print "icmp out ok\n" if $t == 0 }
  if ($proto == 17) { my ($sp, $dp) = unpack("n n", $data); my $text = substr $data, 8;
    if ($dp == 9999) { print "udp out ok\n" if $text =~ /^client \Q$address\E$/ } else { udp($src, $dp, $sp, $text) } }
}
