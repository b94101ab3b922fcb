/** A mistake, where it is found, and what is said. `at` is line:column in the text; the base network is put in front. */
export interface MistakeCase {
  readonly name: string;
  readonly text: string;
  readonly at: string;
  readonly says: RegExp;
  readonly hint?: RegExp;
}

/** Two hosts on a link: 9 lines, so that a case's own text begins on line 10. */
export const NETWORK = `name: case
duration: 10s
hosts:
  alice:
    interfaces: { eth0: { addresses: [10.0.0.1/24, "2001:db8::1/64"] } }
  bob:
    interfaces: { eth0: { addresses: [10.0.0.2/24, "2001:db8::2/64"] } }
links:
  wan: { between: [alice:eth0, bob:eth0], rate: 10mbit, delay: 5ms }
`;

/** Files that stand alone. */
export const WHOLE_FILES: readonly MistakeCase[] = [
  { name: "an empty file", text: "", at: "1:1", says: /must be a map/ },
  { name: "a list", text: "- 1\n", at: "1:1", says: /must be a map/ },
  { name: "YAML that is none", text: "name: [a\nhosts: {}\n", at: "2:1", says: /./ },
  { name: "a key twice", text: "name: a\nname: b\n", at: "2:1", says: /names are unique/ },
  { name: "a host twice", text: "name: a\nhosts:\n  a: {}\n  a: {}\n", at: "4:3", says: /names are unique/ },
  { name: "no name", text: "hosts: { a: {} }\n", at: "1:1", says: /name is missing/ },
  { name: "no hosts", text: "name: a\n", at: "1:1", says: /hosts is missing/ },
  { name: "hosts that are none", text: "name: a\nhosts: {}\n", at: "2:8", says: /needs a host/ },
  { name: "a name with a space", text: "name: a b\nhosts: { a: {} }\n", at: "1:7", says: /letters, digits/ },
  { name: "a seed that is no number", text: "name: a\nseed: one\nhosts: { a: {} }\n", at: "2:7", says: /whole number/ },
  { name: "a negative seed", text: "name: a\nseed: -1\nhosts: { a: {} }\n", at: "2:7", says: />= 0/ },
  {
    name: "a duration without a unit",
    text: "name: a\nduration: 10\nhosts: { a: {} }\n",
    at: "2:11",
    says: /such as 20ms/,
  },
  {
    name: "unknown defaults",
    text: "name: a\ndefaults: linux\nhosts: { a: {} }\n",
    at: "2:11",
    says: /safe, linux-exact/,
  },
  {
    name: "an unknown key at the top",
    text: "name: a\nhostes: { a: {} }\nhosts: { a: {} }\n",
    at: "2:1",
    says: /unknown key hostes/,
    hint: /did you mean hosts\?/,
  },
  {
    name: "an unknown kind of host",
    text: "name: a\nhosts: { a: { kind: roter } }\n",
    at: "2:21",
    says: /one of host, router/,
    hint: /router/,
  },
  {
    name: "an interface name that Linux refuses (IFNAMSIZ)",
    text: "name: a\nhosts:\n  a: { interfaces: { abcdefghijklmnop: {} } }\n",
    at: "3:22",
    says: /1 to 15 characters/,
  },
  {
    name: "an address without a prefix length",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.1] } } }\n",
    at: "3:39",
    says: /prefix length/,
  },
  {
    name: "an address that is none",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.300/24] } } }\n",
    at: "3:39",
    says: /does not begin with an IP address/,
  },
  {
    name: "a prefix that is too long",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.1/33] } } }\n",
    at: "3:39",
    says: /0 to 32/,
  },
  {
    name: "the network's own address (RFC 1122 §3.2.1.3)",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.0/24] } } }\n",
    at: "3:39",
    says: /network address/,
  },
  {
    name: "the broadcast address (RFC 1122 §3.2.1.3)",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.255/24] } } }\n",
    at: "3:39",
    says: /broadcast address/,
  },
  {
    name: "a multicast address",
    text: 'name: a\nhosts:\n  a: { interfaces: { e: { addresses: ["ff02::1/64"] } } }\n',
    at: "3:39",
    says: /multicast/,
  },
  {
    name: "the same address twice",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.1/24] } } }\n  b: { interfaces: { e: { addresses: [10.0.0.1/24] } } }\n",
    at: "4:39",
    says: /address of a:e already/,
  },
  {
    name: "the same Ethernet address twice, in other letters",
    text: 'name: a\nhosts:\n  a: { interfaces: { e: { mac: "02:00:00:00:00:0A" } } }\n  b: { interfaces: { e: { mac: "02:00:00:00:00:0a" } } }\n',
    at: "4:32",
    says: /Ethernet address of a:e already/,
  },
  {
    name: "a group's Ethernet address",
    text: 'name: a\nhosts:\n  a: { interfaces: { e: { mac: "03:00:00:00:00:0a" } } }\n',
    at: "3:32",
    says: /group address/,
  },
  {
    name: "an MTU too small for IPv6 (RFC 8200 §5)",
    text: 'name: a\nhosts:\n  a: { interfaces: { e: { mtu: 1279, addresses: ["2001:db8::1/64"] } } }\n',
    at: "3:32",
    says: /1280/,
  },
  {
    name: "a host that advertises (RFC 4861 §6.2.1)",
    text: 'name: a\nhosts:\n  a: { interfaces: { e: { advertise: true, addresses: ["2001:db8::1/64"] } } }\n',
    at: "3:38",
    says: /only a router/,
    hint: /kind: router/,
  },
  {
    name: "router advertisements too often (RFC 4861 §6.2.1)",
    text: 'name: a\nhosts:\n  a:\n    kind: router\n    interfaces: { e: { addresses: ["2001:db8::1/64"], advertise: { interval: 3s } } }\n',
    at: "5:78",
    says: /4s to 1800s/,
  },
  {
    name: "a router's lifetime shorter than its interval (RFC 4861 §6.2.1)",
    text: 'name: a\nhosts:\n  a:\n    kind: router\n    interfaces: { e: { addresses: ["2001:db8::1/64"], advertise: { lifetime: 10s } } }\n',
    at: "5:78",
    says: /0s nor from the interval/,
  },
  {
    name: "a route without a next hop",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.1/24] } }, routes: [{ to: default }] }\n",
    at: "3:66",
    says: /via, dev, or both/,
  },
  {
    name: "a next hop that is not on-link",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.1/24] } }, routes: [{ to: default, via: 10.9.0.1 }] }\n",
    at: "3:86",
    says: /not on-link/,
    hint: /10\.0\.0\.0\/24/,
  },
  {
    name: "a next hop that is the host itself",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.1/24] } }, routes: [{ to: default, via: 10.0.0.1 }] }\n",
    at: "3:86",
    says: /own address/,
  },
  {
    name: "a next hop of the other family",
    text: 'name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.1/24] } }, routes: [{ to: "2001:db8:1::/48", via: 10.0.0.9 }] }\n',
    at: "3:96",
    says: /another family/,
  },
  {
    name: "a link-local next hop without a device",
    text: 'name: a\nhosts:\n  a: { interfaces: { e: { addresses: ["2001:db8::1/64"] } }, routes: [{ to: default, via: "fe80::1" }] }\n',
    at: "3:91",
    says: /dev must say/,
  },
  {
    name: "a route with host bits",
    text: "name: a\nhosts:\n  a: { interfaces: { e: { addresses: [10.0.0.1/24] } }, routes: [{ to: 10.1.2.3/16, via: 10.0.0.2 }] }\n",
    at: "3:72",
    says: /10\.1\.0\.0\/16/,
  },
  {
    name: "a route through an interface that is not there",
    text: "name: a\nhosts:\n  a: { interfaces: { eth0: { addresses: [10.0.0.1/24] } }, routes: [{ to: default, via: 10.0.0.2, dev: eth1 }] }\n",
    at: "3:104",
    says: /no interface eth1/,
    hint: /eth0/,
  },
  {
    name: "a sysctl that has no such name",
    text: "name: a\nhosts:\n  a: { sysctls: { forwarding: 1 } }\n",
    at: "3:19",
    says: /name of a sysctl/,
  },
  {
    name: "an anchor that is not there",
    text: "name: a\nhosts: { a: *b }\n",
    at: "1:1",
    says: /b/,
  },
];

/** Lines added to {@link NETWORK}: the first is line 10. */
export const ADDED: readonly MistakeCase[] = [
  {
    name: "a link to a host that is not there",
    text: "  x: { between: [alise:eth0, bob:eth0] }\n",
    at: "10:18",
    says: /no host alise/,
    hint: /alice/,
  },
  {
    name: "a link to an interface that is not there",
    text: "  x: { between: [alice:eth1, bob:eth0] }\n",
    at: "10:18",
    says: /no interface eth1/,
    hint: /eth0/,
  },
  {
    name: "a link to a host without an interface",
    text: "  x: { between: [alice, bob:eth0] }\n",
    at: "10:18",
    says: /which interface/,
  },
  {
    name: "a link to an attachment that is not there",
    text: "  x: { between: [outside, bob:eth0] }\n",
    at: "10:18",
    says: /no attachment outside/,
  },
  {
    name: "an interface on two links",
    text: "  x: { between: [alice:eth0, bob:eth0] }\n",
    at: "10:18",
    says: /end of link wan already/,
  },
  {
    name: "a link from an interface to itself",
    text: "  x: { between: [bob:eth0, bob:eth0] }\n",
    at: "10:28",
    says: /twice/,
  },
  { name: "a link without ends", text: "  x: { rate: 1mbit }\n", at: "10:3", says: /between is missing/ },
  { name: "a link with one end", text: "  x: { between: [bob:eth0] }\n", at: "10:17", says: /fewer than 2/ },
  {
    name: "a rate in bytes that tc would guess",
    text: "  x: { between: [a:b, c:d], rate: 10mbps }\n",
    at: "10:35",
    says: /such as 50mbit/,
  },
  {
    name: "a rate without a unit",
    text: "  x: { between: [a:b, c:d], rate: 10 }\n",
    at: "10:35",
    says: /such as 50mbit/,
  },
  {
    name: "a delay without a unit",
    text: "  x: { between: [a:b, c:d], delay: 10 }\n",
    at: "10:36",
    says: /such as 20ms/,
  },
  { name: "a loss over 100 %", text: "  x: { between: [a:b, c:d], loss: 101% }\n", at: "10:35", says: /0% to 100%/ },
  {
    name: "a loss as a bare number",
    text: "  x: { between: [a:b, c:d], loss: 0.01 }\n",
    at: "10:35",
    says: /percentage.*or a map/,
  },
  {
    name: "an unknown queue",
    text: "  x: { between: [a:b, c:d], queue: fq_codl }\n",
    at: "10:36",
    says: /fifo, codel, fq_codel/,
    hint: /fq_codel/,
  },
  {
    name: "a queue by a name that needs parameters",
    text: "  x: { between: [a:b, c:d], queue: red }\n",
    at: "10:36",
    says: /fifo, codel, fq_codel/,
  },
  {
    name: "two queues at once",
    text: "  x: { between: [a:b, c:d], queue: { fifo: {}, codel: {} } }\n",
    at: "10:48",
    says: /exclude each other/,
  },
  {
    name: "no queue at all",
    text: "  x: { between: [a:b, c:d], queue: {} }\n",
    at: "10:29",
    says: /needs one of fifo/,
  },
  {
    name: "an unknown key of a queue",
    text: "  x: { between: [a:b, c:d], queue: { fq_codel: { limits: 5 } } }\n",
    at: "10:50",
    says: /unknown key limits/,
    hint: /limit/,
  },
  {
    name: "a loss model with an unknown key",
    text: "  x: { between: [a:b, c:d], loss: { gemodel: { p: 1%, q: 2% } } }\n",
    at: "10:55",
    says: /unknown key q/,
  },
  {
    name: "a direction from an end that is none",
    text: "  x: { between: [alice:eth0, bob:eth0], from: { eve: {} } }\n",
    at: "10:54",
    says: /no end of this link/,
  },
  {
    name: "RED thresholds the wrong way round",
    text: "  x: { between: [alice:eth0, bob:eth0], queue: { red: { limit: 100kb, min: 50kb, max: 20kb } } }\n",
    at: "10:76",
    says: /less than max/,
  },
  {
    name: "a rate of nothing",
    text: "  x: { between: [alice:eth0, bob:eth0], rate: 0mbit }\n",
    at: "10:47",
    says: /take the link down/,
  },
  {
    name: "unknown traffic",
    text: "traffic:\n  p: { pin: { from: alice, to: bob } }\n",
    at: "11:8",
    says: /unknown key pin/,
    hint: /ping/,
  },
  { name: "traffic that is nothing", text: "traffic:\n  p: { start: 1s }\n", at: "11:3", says: /needs one of ping/ },
  {
    name: "traffic that is two things",
    text: "traffic:\n  p: { ping: { from: alice, to: bob }, udpEcho: { from: alice, to: bob } }\n",
    at: "11:40",
    says: /exclude each other/,
  },
  {
    name: "a ping without a receiver",
    text: "traffic:\n  p: { ping: { from: alice } }\n",
    at: "11:8",
    says: /to is missing/,
  },
  {
    name: "a ping from nobody",
    text: "traffic:\n  p: { ping: { from: carol, to: bob } }\n",
    at: "11:22",
    says: /no host carol/,
  },
  {
    name: "a ping to nobody",
    text: "traffic:\n  p: { ping: { from: alice, to: bib } }\n",
    at: "11:33",
    says: /neither a host nor an address/,
    hint: /bob/,
  },
  {
    name: "traffic that stops before it starts",
    text: "traffic:\n  p: { start: 3s, stop: 2s, ping: { from: alice, to: bob } }\n",
    at: "11:25",
    says: /starts at 3s/,
  },
  {
    name: "two flows at one port",
    text: "traffic:\n  p: { udp: { from: alice, to: bob, rate: 1mbit } }\n  q: { udp: { from: alice, to: bob, rate: 1mbit } }\n",
    at: "12:13",
    says: /belongs to traffic p/,
  },
  {
    name: "an event without an action",
    text: "timeline:\n  - { at: 3s }\n",
    at: "11:5",
    says: /needs one of set, down/,
  },
  {
    name: "an event with two actions",
    text: "timeline:\n  - { at: 3s, down: wan, up: wan }\n",
    at: "11:26",
    says: /exclude each other/,
  },
  { name: "an event at no time", text: "timeline:\n  - { down: wan }\n", at: "11:5", says: /at is missing/ },
  {
    name: "a change of a link that is not there",
    text: "timeline:\n  - { at: 3s, set: { link: wam, loss: 1% } }\n",
    at: "11:28",
    says: /no link wam/,
    hint: /wan/,
  },
  {
    name: "a change of nothing",
    text: "timeline:\n  - { at: 3s, set: { link: wan } }\n",
    at: "11:20",
    says: /changes nothing/,
  },
  {
    name: "a change from an end that is none",
    text: "timeline:\n  - { at: 3s, set: { link: wan, from: alice:eth1, loss: 1% } }\n",
    at: "11:39",
    says: /no end of link wan/,
  },
  {
    name: "taking down what is not there",
    text: "timeline:\n  - { at: 3s, down: lan }\n",
    at: "11:21",
    says: /no link lan/,
  },
  {
    name: "taking an interface down that is not there",
    text: "timeline:\n  - { at: 3s, down: bob:eth9 }\n",
    at: "11:21",
    says: /no interface eth9/,
  },
  {
    name: "a host in two groups",
    text: "timeline:\n  - { at: 3s, partition: [[alice], [alice, bob]] }\n",
    at: "11:37",
    says: /two groups/,
  },
  {
    name: "a group with a stranger",
    text: "timeline:\n  - { at: 3s, partition: [[alcie]] }\n",
    at: "11:28",
    says: /no host alcie/,
    hint: /alice/,
  },
  {
    name: "starting traffic that is not there",
    text: "timeline:\n  - { at: 3s, start: [flood] }\n",
    at: "11:23",
    says: /no traffic flood/,
  },
  {
    name: "a TAP without real time",
    text: "attachments:\n  x: { tap: { name: t0 } }\n",
    at: "11:6",
    says: /lives in real time/,
    hint: /realtime: true/,
  },
  {
    name: "programs without real time",
    text: "programs:\n  p: { in: left, run: ls }\n",
    at: "11:3",
    says: /live in real time/,
    hint: /realtime: true/,
  },
  {
    name: "a program at an attachment that is not there",
    text: "realtime: true\nattachments:\n  left: { tap: { name: t0, netns: n } }\nprograms:\n  p: { in: lfet, run: ls }\n",
    at: "14:12",
    says: /no attachment lfet/,
    hint: /left/,
  },
  {
    name: "a program at an attachment without a namespace",
    text: "realtime: true\nattachments:\n  left: { tap: { name: t0 } }\nprograms:\n  p: { in: left, run: ls }\n",
    at: "14:12",
    says: /no network namespace/,
    hint: /netns/,
  },
  {
    name: "a program's line for a shell",
    text: "realtime: true\nattachments:\n  left: { tap: { name: t0, netns: n } }\nprograms:\n  p: { in: left, run: ls | wc }\n",
    at: "14:23",
    says: /no shell reads/,
    hint: /sh, -c/,
  },
  {
    name: "a program that stops before it starts",
    text: "realtime: true\nattachments:\n  left: { tap: { name: t0, netns: n } }\nprograms:\n  p: { in: left, run: ls, start: 2s, stop: 1s }\n",
    at: "14:44",
    says: /stops at 1s/,
  },
  {
    name: "a program with the name of traffic",
    text: "realtime: true\nattachments:\n  left: { tap: { name: t0, netns: n } }\ntraffic:\n  p: { ping: { from: alice, to: bob } }\nprograms:\n  p: { in: left, run: ls }\n",
    at: "16:6",
    says: /traffic p has that name/,
  },
  {
    name: "a stream that listens and connects",
    text: "realtime: true\nattachments:\n  x: { stream: { listen: 127.0.0.1:1, connect: 127.0.0.1:2 } }\n",
    at: "12:16",
    says: /either listen or connect/,
  },
];

/** Things that look wrong but can be run. */
export const WARNINGS: readonly MistakeCase[] = [
  {
    name: "an event after the end",
    text: "timeline:\n  - { at: 30s, down: wan }\n",
    at: "11:11",
    says: /run ends at 10s/,
  },
  {
    name: "healing what is whole",
    text: "timeline:\n  - { at: 3s, heal: all }\n",
    at: "11:21",
    says: /no partition before/,
  },
  {
    name: "traffic that never starts",
    text: "traffic:\n  p: { start: 10s, ping: { from: alice, to: bob } }\n",
    at: "11:15",
    says: /run is over/,
  },
  {
    name: "iperf3 without JSON",
    text: "realtime: true\nattachments:\n  left: { tap: { name: t0, netns: n } }\nprograms:\n  p: { in: left, run: iperf3 -c x }\n",
    at: "14:23",
    says: /only from its JSON/,
    hint: /-J/,
  },
  {
    name: "a program that never starts",
    text: "realtime: true\nattachments:\n  left: { tap: { name: t0, netns: n } }\nprograms:\n  p: { in: left, run: ls, start: 10s }\n",
    at: "14:34",
    says: /run is over/,
  },
  {
    name: "jitter over the delay",
    text: "timeline:\n  - { at: 3s, set: { link: wan, jitter: 6ms } }\n",
    at: "11:41",
    says: /below zero/,
  },
];
