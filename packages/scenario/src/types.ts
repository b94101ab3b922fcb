// Made from the schema by `pnpm --filter @seville/scenario schema`; a test holds the two equal.

/** Exactly one of the keys of `Choices`. */
export type ExactlyOne<Choices> = {
  [Key in keyof Choices]: { readonly [K in Key]: Choices[K] } & {
    readonly [Other in Exclude<keyof Choices, Key>]?: never;
  };
}[keyof Choices];

/** An IPv4 or IPv6 address. */
export type Address = string;

/** An interface's address and the length of its on-link prefix. */
export type AddressWithPrefix = string;

/** What router advertisements say (RFC 4861 §6.2.1). */
export interface Advertise {
  /** On-link prefixes for autoconfiguration. Default: those of the interface's IPv6 addresses. */
  readonly prefixes?: readonly AddressWithPrefix[];
  /** MaxRtrAdvInterval. Default: `"200s"`. */
  readonly interval?: Duration;
  /** As a default router; 0s: not one. Default: `"1800s"`. */
  readonly lifetime?: Duration;
  /** The MTU option. */
  readonly mtu?: number;
  /** CurHopLimit. Default: `64`. */
  readonly hopLimit?: number;
}

/** A processor that minds where words lie, or not. */
export interface Alignment {
  /** `strict-align`: a word that is not at a multiple of its size traps, in GRO, in the dissector and in the stack; traps are counted. Default: `"x86"`. */
  readonly arch?: "x86" | "strict-align";
  /** What is done about a misaligned packet that comes out of a tunnel: nothing; move it; or let the flow dissector read a copy of its headers. Default: `"leave"`. */
  readonly policy?: "leave" | "shift-headers" | "fix-gre";
}

/** An end of a link that lies outside the simulation. Whoever runs the scenario opens it. */
export type Attachment = AttachmentCommon & ExactlyOne<AttachmentChoices>;

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- parts may add keys
export interface AttachmentCommon {}

export interface AttachmentChoices {
  /** A TAP device of this machine's kernel (Linux, root). */
  readonly tap: AttachmentTap;
  /** Frames as UDP datagrams: bare Ethernet (QEMU's -netdev dgram) or L2TPv3 (RFC 3931). */
  readonly udp: AttachmentUdp;
  /** Frames in a byte stream, each after its length (QEMU's -netdev stream). */
  readonly stream: AttachmentStream;
  /** A captured file (pcapng or pcap) whose frames come in with their own timing. What arrives is counted. */
  readonly replay: AttachmentReplay;
}

/** A TAP device of this machine's kernel (Linux, root). */
export interface AttachmentTap {
  /** Its name. It is made, and removed at the end. */
  readonly name: InterfaceName;
  /** The network namespace it is moved to. Made if it is not there. */
  readonly netns?: Name;
  /** Addresses that the kernel gets on it. */
  readonly addresses?: readonly AddressWithPrefix[];
  /** Routes of the kernel through it. */
  readonly routes?: readonly AttachmentTapRoutesItem[];
  /** Default: one that the kernel draws. */
  readonly mac?: Mac;
  /** Bytes of an IP packet. Default: `1500`. */
  readonly mtu?: number;
}

export interface AttachmentTapRoutesItem {
  /** What it leads to. */
  readonly to: Destination;
  /** The next hop. */
  readonly via: Address;
}

/** Frames as UDP datagrams: bare Ethernet (QEMU's -netdev dgram) or L2TPv3 (RFC 3931). */
export interface AttachmentUdp {
  /** Where datagrams are received. */
  readonly bind: string;
  /** Where they are sent. Default: whence the last one came. */
  readonly to?: string;
  /** Put an L2TPv3 header in front of each frame. */
  readonly l2tpv3?: AttachmentUdpL2tpv3;
}

/** Put an L2TPv3 header in front of each frame. */
export interface AttachmentUdpL2tpv3 {
  /** Sent. Default: `1`. */
  readonly session?: number;
  /** Expected. Default: session. */
  readonly peerSession?: number;
}

/** Frames in a byte stream, each after its length (QEMU's -netdev stream). */
export interface AttachmentStream {
  /** Wait for the peer here. */
  readonly listen?: string;
  /** Or connect to it. */
  readonly connect?: string;
}

/** A captured file (pcapng or pcap) whose frames come in with their own timing. What arrives is counted. */
export interface AttachmentReplay {
  /** Path, relative to the scenario file. */
  readonly file?: string;
  /** 2: twice as fast. Default: `1`. */
  readonly speed?: number;
  /** How many times. Default: `1`. */
  readonly loop?: number;
}

/** Limits what captures hold. */
export interface Captures {
  /** Which interfaces (`host:interface`). Default: all. */
  readonly interfaces?: readonly Endpoint[];
  /** What a wire capture keeps of a frame that failed its check sequence at the receiver (it is marked as such): its Ethernet header, all of it, or nothing. Default: `"header"`. */
  readonly fcsErrors?: "header" | "full" | "none";
  /** Bytes of each frame that are kept. */
  readonly snaplen?: number;
}

/** How frames are damaged. */
export interface Corrupt {
  /** Of each frame. */
  readonly probability: Percent;
  /** The damage happens where no check sequence sees it, so that only upper checksums can. Default: `false`. */
  readonly afterFcs?: boolean;
}

/** A prefix, or `default` (then `via` says of which family). */
export type Destination = string;

/** A time with its unit: ns, us, ms, s, min, h. */
export type Duration = `${number}${"ns" | "us" | "ms" | "s" | "min" | "h"}`;

/** An end of a link: `host:interface`, or the name of an attachment. */
export type Endpoint = string;

/** What happens at a time. */
export type Event = EventCommon & ExactlyOne<EventChoices>;

export interface EventCommon {
  /** When. */
  readonly at: Duration;
  /** What the report writes at the time axis. */
  readonly label?: string;
}

export interface EventChoices {
  /** Changes the settings of a link that are named, and no others. */
  readonly set: EventSet;
  /** Takes a link (by name) or an interface (`host:interface`) down. */
  readonly down: Endpoint;
  /** Brings it up again. */
  readonly up: Endpoint;
  /** Groups of hosts and attachments. Links between two groups (hosts not named form one more) carry nothing; carrier stays. */
  readonly partition: readonly (readonly Name[])[];
  /** Ends the partition. */
  readonly heal: "all";
  /** Starts traffic, by name. */
  readonly start: Name | readonly Name[];
  /** Stops traffic, by name. */
  readonly stop: Name | readonly Name[];
  /** Switches features of a NIC. */
  readonly ethtool: EventEthtool;
}

/** Changes the settings of a link that are named, and no others. */
export interface EventSet {
  /** Which link. */
  readonly link: Name;
  /** Only what leaves this end. Default: both directions. */
  readonly from?: Endpoint;
  /** Bits per second on the wire. Default: no limit (frames take no time). */
  readonly rate?: Rate;
  /** Propagation delay. Default: `"0ms"`. */
  readonly delay?: Duration;
  /** How much the delay varies from frame to frame. A time alone: uniform within ± that time. */
  readonly jitter?: Duration | Jitter;
  /** What counts against the rate: with preamble, check sequence, gap and padding, or the frame's bytes. Default: `"ethernet"`. */
  readonly framing?: "ethernet" | "none";
  /** Where frames wait for the transmitter. Default: fifo of 1000 packets. */
  readonly queue?: "fifo" | "codel" | "fq_codel" | QueueDiscipline;
  /** Judges frames before they queue, and drops (or marks) what exceeds a rate. */
  readonly policer?: "none" | Policer;
  /** Frames lost on the way, and by which law. */
  readonly loss?: Percent | LossModel;
  /** Frames that skip the delay and so overtake others, as netem's reorder. */
  readonly reorder?: Percent | Reorder;
  /** Frames that arrive twice. */
  readonly duplicate?: Percent;
  /** Frames in which a bit is flipped. The receiver's check sequence finds it, unless afterFcs. */
  readonly corrupt?: Percent | Corrupt;
}

/** Switches features of a NIC. */
export interface EventEthtool {
  /** Which (`host:interface`). */
  readonly interface: Endpoint;
  /** By ethtool's or the kernel's names. */
  readonly features: Readonly<Record<string, boolean>>;
}

/** Hosts and switches that are made by rule, as if they were written down: hosts NAME.h0 …, all with an interface eth0. Settings of links hold for all of its links. */
export type Fabric = FabricCommon & ExactlyOne<FabricChoices>;

export interface FabricCommon {
  /** Which protocol it carries. Default: `"ipv4"`. */
  readonly family?: "ipv4" | "ipv6";
  /** How switches choose among the ways up. Default: hash. */
  readonly select?: "hash" | "flowlet" | "random" | "round-robin" | "better-of-two" | NextHopSelection;
  /** fib_multipath_hash_policy of the switches. Default: 1 (ports) for IPv4, 0 (flow label) for IPv6. */
  readonly hashPolicy?: number;
  /** Settings of the links between hosts and switches, where they differ from the others. */
  readonly access?: LinkParameters;
  /** Settings of single links, by their names in the fabric, such as a0.0-c0 or path1. */
  readonly degrade?: Readonly<Record<string, LinkParameters>>;
  /** Its hosts put TCP segments into order before their stack sees them, and hold none for longer. */
  readonly resequence?: Duration;
  /** Settings of all its hosts. */
  readonly hostSysctls?: Readonly<Record<string, number | string>>;
  /** Settings of all its switches. */
  readonly switchSysctls?: Readonly<Record<string, number | string>>;
  /** Bits per second on the wire. Default: no limit (frames take no time). */
  readonly rate?: Rate;
  /** Propagation delay. Default: `"0ms"`. */
  readonly delay?: Duration;
  /** How much the delay varies from frame to frame. A time alone: uniform within ± that time. */
  readonly jitter?: Duration | Jitter;
  /** What counts against the rate: with preamble, check sequence, gap and padding, or the frame's bytes. Default: `"ethernet"`. */
  readonly framing?: "ethernet" | "none";
  /** Where frames wait for the transmitter. Default: fifo of 1000 packets. */
  readonly queue?: "fifo" | "codel" | "fq_codel" | QueueDiscipline;
  /** Judges frames before they queue, and drops (or marks) what exceeds a rate. */
  readonly policer?: "none" | Policer;
  /** Frames lost on the way, and by which law. */
  readonly loss?: Percent | LossModel;
  /** Frames that skip the delay and so overtake others, as netem's reorder. */
  readonly reorder?: Percent | Reorder;
  /** Frames that arrive twice. */
  readonly duplicate?: Percent;
  /** Frames in which a bit is flipped. The receiver's check sequence finds it, unless afterFcs. */
  readonly corrupt?: Percent | Corrupt;
}

export interface FabricChoices {
  /** A fat-tree of k-port switches (Al-Fares et al. 2008): k³/4 hosts, edge switches NAME.e0.0 (pod, number), aggregation NAME.a0.0, core NAME.c0; links NAME.e0.0-h0, NAME.e0.0-a0.1, NAME.a0.1-c2. */
  readonly fatTree: FabricFatTree;
  /** Another fabric, of which it has all that it does not say itself. */
  readonly like: Name;
  /** Two switches, NAME.s0 and NAME.s1, joined by parallel links NAME.path0 …; hosts at both. */
  readonly paths: FabricPaths;
}

/** A fat-tree of k-port switches (Al-Fares et al. 2008): k³/4 hosts, edge switches NAME.e0.0 (pod, number), aggregation NAME.a0.0, core NAME.c0; links NAME.e0.0-h0, NAME.e0.0-a0.1, NAME.a0.1-c2. */
export interface FabricFatTree {
  /** Ports of a switch: even. */
  readonly k: number;
}

/** Two switches, NAME.s0 and NAME.s1, joined by parallel links NAME.path0 …; hosts at both. */
export interface FabricPaths {
  /** Parallel links. */
  readonly count: number;
  /** Hosts at each switch. Default: `1`. */
  readonly hosts?: number;
}

/** A machine with interfaces. */
export interface Host {
  /** `router`: forwards IPv4 and IPv6 and accepts no router advertisements. Default: `"host"`. */
  readonly kind?: "host" | "router";
  /** For people. */
  readonly description?: string;
  /** Its network interfaces, by name. */
  readonly interfaces?: Readonly<Record<string, Interface>>;
  /** Static routes. */
  readonly routes?: readonly Route[];
  /** Forward packets. Default: as `kind` says. */
  readonly forwarding?: boolean;
  /** Settings by their Linux names, set before the interfaces come up. */
  readonly sysctls?: Readonly<Record<string, number | string>>;
  /** How its processor takes headers that lie askew, and what is done about it. */
  readonly alignment?: Alignment;
}

/** A network interface. Its device is Ethernet unless a key of a part says otherwise. */
export interface Interface {
  /** Addresses with their prefix lengths. */
  readonly addresses?: readonly AddressWithPrefix[];
  /** Default: made from the order of hosts and interfaces in the file. */
  readonly mac?: Mac;
  /** Bytes of an IP packet. Default: `1500`. */
  readonly mtu?: number;
  /** Whether it is up when time begins. Default: `true`. */
  readonly up?: boolean;
  /** Send router advertisements (RFC 4861 §6.2). `true`: for the prefixes of its IPv6 addresses. */
  readonly advertise?: boolean | Advertise;
  /** What its hardware does: a NIC that behaves as its class does. Default: one without offloads. */
  readonly nic?:
    | "none"
    | "ip-csum"
    | "hw-csum"
    | "parsing-nic"
    | "tso-no-tunnel"
    | "gso-partial"
    | "tunnel-offload"
    | "inner-only-rx"
    | "outer-only-rx"
    | "embedded-switch";
  /** It is a virtual function of that NIC (`host:interface`), whose `nic` is `embedded-switch`: it has no cable of its own. */
  readonly vf?: Endpoint;
  /** The switch in the NIC. Needs `nic: embedded-switch`. */
  readonly embeddedSwitch?: InterfaceEmbeddedSwitch;
  /** `careless`: the driver does not look whether its hardware would get a packet wrong (no `ndo_features_check`). Needs `nic`. Default: `"checking"`. */
  readonly driver?: "checking" | "careless";
  /** Bytes in front of a received frame (NET_IP_ALIGN): with 2 the IP header is aligned. Needs `nic`. Default: `2`. */
  readonly rxPad?: 0 | 2;
  /** Features switched as by `ethtool -K`, by ethtool's or the kernel's names (`tso: false`). Needs `nic`. */
  readonly features?: Readonly<Record<string, boolean>>;
  /** The interface is a tunnel, as `ip link add … type …` makes it. */
  readonly tunnel?: Tunnel;
  /** Put received TCP segments into order before the stack sees them, and hold none for longer than that. */
  readonly resequence?: Duration;
}

/** The switch in the NIC. Needs `nic: embedded-switch`. */
export interface InterfaceEmbeddedSwitch {
  /** `veb`: frames between functions stay inside; `vepa`: everything goes to the wire. Default: `"veb"`. */
  readonly mode?: "veb" | "vepa";
  /** Drop what does not bear the function's own address as its source. Default: `false`. */
  readonly spoofCheck?: boolean;
}

export type InterfaceName = string;

/** The law of the delay's variation, as netem's `delay TIME JITTER CORRELATION distribution NAME`. */
export interface Jitter {
  /** Half the width (uniform), or the standard deviation. */
  readonly deviation: Duration;
  /** The shape. Default: `"uniform"`. */
  readonly distribution?: "uniform" | "normal" | "pareto";
  /** How much the last draw weighs. Default: `"0%"`. */
  readonly correlation?: Percent;
  /** A frame whose delay is shorter overtakes those before it, as with netem. Default: `false`. */
  readonly overtake?: boolean;
}

/** How much a queue holds: packets (100p) or bytes (64kb). */
export type Limit = `${number}${"p" | "b" | "kb" | "mb" | "Kb" | "Mb"}`;

/** A full-duplex Ethernet cable. */
export interface Link {
  /** Its two ends. */
  readonly between: readonly [string, string];
  /** Longer frames are dropped. Default: `1500`. */
  readonly mtu?: number;
  /** Whether it has carrier when time begins. Default: `true`. */
  readonly up?: boolean;
  /** Settings for what leaves one end, keyed by that end. */
  readonly from?: Readonly<Record<string, LinkParameters>>;
  /** Bits per second on the wire. Default: no limit (frames take no time). */
  readonly rate?: Rate;
  /** Propagation delay. Default: `"0ms"`. */
  readonly delay?: Duration;
  /** How much the delay varies from frame to frame. A time alone: uniform within ± that time. */
  readonly jitter?: Duration | Jitter;
  /** What counts against the rate: with preamble, check sequence, gap and padding, or the frame's bytes. Default: `"ethernet"`. */
  readonly framing?: "ethernet" | "none";
  /** Where frames wait for the transmitter. Default: fifo of 1000 packets. */
  readonly queue?: "fifo" | "codel" | "fq_codel" | QueueDiscipline;
  /** Judges frames before they queue, and drops (or marks) what exceeds a rate. */
  readonly policer?: "none" | Policer;
  /** Frames lost on the way, and by which law. */
  readonly loss?: Percent | LossModel;
  /** Frames that skip the delay and so overtake others, as netem's reorder. */
  readonly reorder?: Percent | Reorder;
  /** Frames that arrive twice. */
  readonly duplicate?: Percent;
  /** Frames in which a bit is flipped. The receiver's check sequence finds it, unless afterFcs. */
  readonly corrupt?: Percent | Corrupt;
}

/** What a link, or one direction of it, does to frames. */
export interface LinkParameters {
  /** Bits per second on the wire. Default: no limit (frames take no time). */
  readonly rate?: Rate;
  /** Propagation delay. Default: `"0ms"`. */
  readonly delay?: Duration;
  /** How much the delay varies from frame to frame. A time alone: uniform within ± that time. */
  readonly jitter?: Duration | Jitter;
  /** What counts against the rate: with preamble, check sequence, gap and padding, or the frame's bytes. Default: `"ethernet"`. */
  readonly framing?: "ethernet" | "none";
  /** Where frames wait for the transmitter. Default: fifo of 1000 packets. */
  readonly queue?: "fifo" | "codel" | "fq_codel" | QueueDiscipline;
  /** Judges frames before they queue, and drops (or marks) what exceeds a rate. */
  readonly policer?: "none" | Policer;
  /** Frames lost on the way, and by which law. */
  readonly loss?: Percent | LossModel;
  /** Frames that skip the delay and so overtake others, as netem's reorder. */
  readonly reorder?: Percent | Reorder;
  /** Frames that arrive twice. */
  readonly duplicate?: Percent;
  /** Frames in which a bit is flipped. The receiver's check sequence finds it, unless afterFcs. */
  readonly corrupt?: Percent | Corrupt;
}

/** A law of loss other than independent chance. */
export type LossModel = LossModelCommon & ExactlyOne<LossModelChoices>;

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- parts may add keys
export interface LossModelCommon {}

export interface LossModelChoices {
  /** Independent, or correlated as netem's loss random. */
  readonly random: LossModelRandom;
  /** netem's four-state model: received in a gap, in a burst; lost in a burst, in a gap. */
  readonly state: LossModelState;
  /** Gilbert–Elliott, with netem's parameters. */
  readonly gemodel: LossModelGemodel;
  /** Exactly these frames of the direction, counted from 1. */
  readonly frames: readonly number[];
}

/** Independent, or correlated as netem's loss random. */
export interface LossModelRandom {
  /** Of each frame. */
  readonly probability: Percent;
  /** How much the last draw weighs. Default: `"0%"`. */
  readonly correlation?: Percent;
}

/** netem's four-state model: received in a gap, in a burst; lost in a burst, in a gap. */
export interface LossModelState {
  /** From received in a gap to lost in a burst. */
  readonly p13: Percent;
  /** Default: 100% − p13. */
  readonly p31?: Percent;
  /** From lost to received, within a burst. Default: `"0%"`. */
  readonly p32?: Percent;
  /** From received to lost, within a burst. Default: `"100%"`. */
  readonly p23?: Percent;
  /** Isolated loss in a gap. Default: `"0%"`. */
  readonly p14?: Percent;
}

/** Gilbert–Elliott, with netem's parameters. */
export interface LossModelGemodel {
  /** From the good state to the bad, per frame. */
  readonly p: Percent;
  /** From the bad state to the good. Default: 100% − p. */
  readonly r?: Percent;
  /** Loss in the bad state (netem's 1-h). Default: `"100%"`. */
  readonly bad?: Percent;
  /** Loss in the good state (netem's 1-k). Default: `"0%"`. */
  readonly good?: Percent;
}

/** An Ethernet address. */
export type Mac = string;

export type Name = string;

/** One of several next hops of a route. */
export interface NextHop {
  /** The next hop. */
  readonly via?: Address;
  /** The interface. */
  readonly dev?: InterfaceName;
  /** Its share. Default: `1`. */
  readonly weight?: number;
}

/** How a route with several next hops chooses among those that are usable. */
export type NextHopSelection = NextHopSelectionCommon & ExactlyOne<NextHopSelectionChoices>;

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- parts may add keys
export interface NextHopSelectionCommon {}

export interface NextHopSelectionChoices {
  /** A flow keeps its way (ECMP), by fib_multipath_hash_policy. */
  readonly hash: NextHopSelectionHash;
  /** A burst of a flow keeps its way. */
  readonly flowlet: NextHopSelectionFlowlet;
  /** Each packet for itself (random packet spraying). */
  readonly random: NextHopSelectionRandom;
  /** Packets in turn. */
  readonly "round-robin": NextHopSelectionRoundRobin;
  /** The shortest queue of some at random and the best of before (DRILL). */
  readonly "better-of-two": NextHopSelectionBetterOfTwo;
}

/** A flow keeps its way (ECMP), by fib_multipath_hash_policy. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- parts may add keys
export interface NextHopSelectionHash {}

/** A burst of a flow keeps its way. */
export interface NextHopSelectionFlowlet {
  /** After a longer pause it may take another. Default: `"500us"`. */
  readonly gap?: Duration;
  /** Entries of the table. Default: `1024`. */
  readonly flowlets?: number;
}

/** Each packet for itself (random packet spraying). */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- parts may add keys
export interface NextHopSelectionRandom {}

/** Packets in turn. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- parts may add keys
export interface NextHopSelectionRoundRobin {}

/** The shortest queue of some at random and the best of before (DRILL). */
export interface NextHopSelectionBetterOfTwo {
  /** Drawn for each packet. Default: `2`. */
  readonly samples?: number;
  /** Remembered from before. Default: `1`. */
  readonly memory?: number;
}

/** A probability. */
export type Percent = `${number}%`;

/** A token bucket that holds nothing (tc police). */
export interface Policer {
  /** Tokens come at this rate. */
  readonly rate: Rate;
  /** The bucket. */
  readonly burst: Size;
  /** What becomes of frames over the rate; `mark`: Congestion Experienced, where ECN-capable. Default: `"drop"`. */
  readonly exceed?: "drop" | "mark";
}

/** A program of this machine, run in the network namespace of an attachment. */
export interface Program {
  /** The attachment in whose namespace it runs. */
  readonly in: Name;
  /** The program and its arguments: a list, or a line that is cut at blanks. No shell reads it. */
  readonly run: string | readonly string[];
  /** When it starts. Default: `"0s"`. */
  readonly start?: Duration;
  /** When it is interrupted (SIGINT) if it still runs. Default: with the run. */
  readonly stop?: Duration;
  /** A server: it is interrupted when the run ends, and `endWithPrograms` does not wait for it. Default: `false`. */
  readonly background?: boolean;
  /** How to read what it prints: iputils' ping, or iperf3 -J. Default: by its name. */
  readonly output?: "ping" | "iperf3" | "text";
}

/** A queue by its tc name, with the parameters that tc gives it. */
export type QueueDiscipline = QueueDisciplineCommon & ExactlyOne<QueueDisciplineChoices>;

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- parts may add keys
export interface QueueDisciplineCommon {}

export interface QueueDisciplineChoices {
  /** First in, first out; a full queue drops the newcomer. */
  readonly fifo: QueueDisciplineFifo;
  /** CoDel (RFC 8289). */
  readonly codel: QueueDisciplineCodel;
  /** Flow queueing with CoDel (RFC 8290). */
  readonly fq_codel: QueueDisciplineFq_codel;
  /** Random early detection (Floyd and Jacobson 1993, as tc red). */
  readonly red: QueueDisciplineRed;
  /** A token bucket shaper (tc tbf): lets frames out at a rate, in bursts. */
  readonly tbf: QueueDisciplineTbf;
}

/** First in, first out; a full queue drops the newcomer. */
export interface QueueDisciplineFifo {
  /** In packets or bytes. Default: `"1000p"`. */
  readonly limit?: Limit;
}

/** CoDel (RFC 8289). */
export interface QueueDisciplineCodel {
  /** Packets. Default: `1000`. */
  readonly limit?: number;
  /** Acceptable standing delay. Default: `"5ms"`. */
  readonly target?: Duration;
  /** About the worst round-trip time. Default: `"100ms"`. */
  readonly interval?: Duration;
  /** Mark instead of dropping. Default: `false`. */
  readonly ecn?: boolean;
}

/** Flow queueing with CoDel (RFC 8290). */
export interface QueueDisciplineFq_codel {
  /** Packets, over all flows. Default: `10240`. */
  readonly limit?: number;
  /** Number of queues. Default: `1024`. */
  readonly flows?: number;
  /** Bytes a turn. Default: `1514`. */
  readonly quantum?: number;
  /** Bytes of memory, over all flows. Default: `"32mb"`. */
  readonly memory?: Size;
  /** Acceptable standing delay. Default: `"5ms"`. */
  readonly target?: Duration;
  /** About the worst round-trip time. Default: `"100ms"`. */
  readonly interval?: Duration;
  /** Mark instead of dropping. Default: `true`. */
  readonly ecn?: boolean;
}

/** Random early detection (Floyd and Jacobson 1993, as tc red). */
export interface QueueDisciplineRed {
  /** Hard limit. */
  readonly limit: Size;
  /** Average queue at which marking begins. */
  readonly min: Size;
  /** Average queue at which the probability is reached. */
  readonly max: Size;
  /** At max. Default: `"2%"`. */
  readonly probability?: Percent;
  /** Mark instead of dropping. Default: `false`. */
  readonly ecn?: boolean;
}

/** A token bucket shaper (tc tbf): lets frames out at a rate, in bursts. */
export interface QueueDisciplineTbf {
  /** Tokens come at this rate. */
  readonly rate: Rate;
  /** The bucket. */
  readonly burst: Size;
  /** Bytes that wait at most. Default: `"1mb"`. */
  readonly limit?: Size;
}

/** Bits per second, decimal (kbit = 1000 bit/s) as tc counts them: bit, kbit, mbit, gbit, tbit. */
export type Rate = `${number}${"" | "k" | "m" | "g" | "t" | "K" | "M" | "G" | "T"}bit`;

/** Which frames skip the delay. */
export interface Reorder {
  /** Of each candidate. */
  readonly probability: Percent;
  /** Every gap-th frame is a candidate. Default: `1`. */
  readonly gap?: number;
  /** How much the last draw weighs. Default: `"0%"`. */
  readonly correlation?: Percent;
}

/** A static route, as `ip route add` takes it. */
export interface Route {
  /** What it leads to. */
  readonly to: Destination;
  /** The next hop. */
  readonly via?: Address;
  /** The interface. */
  readonly dev?: InterfaceName;
  /** Lower is preferred. */
  readonly metric?: number;
  /** Several next hops, in place of via and dev: `ip route add … nexthop via … weight …`. */
  readonly nexthops?: readonly NextHop[];
  /** How to choose among them. Default: hash. */
  readonly select?: "hash" | "flowlet" | "random" | "round-robin" | "better-of-two" | NextHopSelection;
}

/** A network, what happens on it, and for how long. */
export interface Scenario {
  /** What reports and output directories call it. */
  readonly name: Name;
  /** What it shows, for people. */
  readonly description?: string;
  /** Where all randomness comes from. The same file and seed give the same bytes on every machine. Default: `1`. */
  readonly seed?: number;
  /** How long it runs, in virtual time. Default: `"10s"`. */
  readonly duration?: Duration;
  /** `safe`: where Seville does better than Linux, it does; `linux-exact`: as the kernel does. Default: `"safe"`. */
  readonly defaults?: "safe" | "linux-exact";
  /** Keep pace with the wall clock. Attachments to the outside need it. Such a run is not repeatable. Default: `false`. */
  readonly realtime?: boolean;
  /** Time between samples of the series. Default: duration / 500. */
  readonly sampling?: Duration;
  /** The machines, by name. May be empty if there are fabrics. */
  readonly hosts: Readonly<Record<string, Host>>;
  /** The cables, by name. */
  readonly links?: Readonly<Record<string, Link>>;
  /** Ends of links that lie outside the simulation, by name. */
  readonly attachments?: Readonly<Record<string, Attachment>>;
  /** What hosts send, by name. */
  readonly traffic?: Readonly<Record<string, Traffic>>;
  /** What happens, and when. */
  readonly timeline?: readonly Event[];
  /** What is captured when captures are asked for. */
  readonly captures?: Captures;
  /** What `seville run --quick` changes, by path, such as duration: 200ms. */
  readonly quick?: Readonly<Record<string, string | number | boolean>>;
  /** Programs of this machine whose traffic crosses the simulation, by name. Linux; needs realtime. */
  readonly programs?: Readonly<Record<string, Program>>;
  /** End half a second after the last program that is not in the background. Without such a one: at duration. Default: `false`. */
  readonly endWithPrograms?: boolean;
  /** Networks that are made by rule, by name. */
  readonly fabrics?: Readonly<Record<string, Fabric>>;
}

/** A number of bytes; kb and mb are 1024-based, as tc counts them. */
export type Size = `${number}${"" | "k" | "m" | "K" | "M"}b`;

/** Something that a host sends. */
export type Traffic = TrafficCommon & ExactlyOne<TrafficChoices>;

export interface TrafficCommon {
  /** When it starts. Default: `"0s"`. */
  readonly start?: Duration;
  /** When it stops. Default: when it is done, or with the run. */
  readonly stop?: Duration;
  /** Does not start by itself, only by a `start` event. Default: `false`. */
  readonly manual?: boolean;
}

export interface TrafficChoices {
  /** ICMP echo requests. */
  readonly ping: TrafficPing;
  /** A one-way stream of numbered UDP datagrams at a constant rate. */
  readonly udp: TrafficUdp;
  /** Numbered UDP datagrams that the receiver sends back: round-trip times as a program sees them. */
  readonly udpEcho: TrafficUdpEcho;
  /** Bulk transfer over TCP: the sender always has something to send. */
  readonly tcp: TrafficTcp;
  /** Requests and answers over TCP: how long a program waits. */
  readonly tcpRequests: TrafficTcpRequests;
  /** One packet of each inner protocol through each interface, as large as the stack makes them; where checksums were computed, what the CPU touched, and whether each frame on the wire is right. */
  readonly superPackets: TrafficSuperPackets;
  /** Every host of a fabric sends to one other and receives from one, at random. */
  readonly permutation: TrafficPermutation;
  /** Host i of a fabric sends to host i + by, modulo their number. */
  readonly stride: TrafficStride;
  /** Many hosts of a fabric send to one at the same time. */
  readonly incast: TrafficIncast;
  /** Flows between two hosts of a fabric. */
  readonly pairs: TrafficPairs;
}

/** ICMP echo requests. */
export interface TrafficPing {
  /** The host that sends. */
  readonly from: Name;
  /** A host, `host:interface`, or an address. */
  readonly to: string;
  /** Which of the receiver's addresses. Default: IPv4 if both ends have it. */
  readonly family?: "ipv4" | "ipv6";
  /** Between requests. Default: `"1s"`. */
  readonly interval?: Duration;
  /** Default: until it is stopped. */
  readonly count?: number;
  /** Bytes of ICMP payload. Default: `56`. */
  readonly size?: number;
  /** Hop limit. Default: `64`. */
  readonly ttl?: number;
  /** A reply later than this counts as lost. Default: `"10s"`. */
  readonly timeout?: Duration;
}

/** A one-way stream of numbered UDP datagrams at a constant rate. */
export interface TrafficUdp {
  /** The host that sends. */
  readonly from: Name;
  /** A host, `host:interface`, or an address. */
  readonly to: string;
  /** Which of the receiver's addresses. Default: IPv4 if both ends have it. */
  readonly family?: "ipv4" | "ipv6";
  /** Destination port. Default: `5001`. */
  readonly port?: number;
  /** Bits of payload per second. */
  readonly rate: Rate;
  /** Bytes of payload each. Default: `1200`. */
  readonly size?: number;
  /** Default: until it is stopped. */
  readonly count?: number;
}

/** Numbered UDP datagrams that the receiver sends back: round-trip times as a program sees them. */
export interface TrafficUdpEcho {
  /** The host that sends. */
  readonly from: Name;
  /** A host, `host:interface`, or an address. */
  readonly to: string;
  /** Which of the receiver's addresses. Default: IPv4 if both ends have it. */
  readonly family?: "ipv4" | "ipv6";
  /** Destination port. Default: `7`. */
  readonly port?: number;
  /** Between requests. Default: `"100ms"`. */
  readonly interval?: Duration;
  /** Bytes of payload each. Default: `64`. */
  readonly size?: number;
  /** Default: until it is stopped. */
  readonly count?: number;
  /** An answer later than this counts as lost. Default: `"10s"`. */
  readonly timeout?: Duration;
}

/** Bulk transfer over TCP: the sender always has something to send. */
export interface TrafficTcp {
  /** The host that sends. */
  readonly from: Name;
  /** A host, `host:interface`, or an address. */
  readonly to: string;
  /** Which of the receiver's addresses. Default: IPv4 if both ends have it. */
  readonly family?: "ipv4" | "ipv6";
  /** Destination port. Default: `5201`. */
  readonly port?: number;
  /** How much. Default: until it is stopped. */
  readonly bytes?: Size;
  /** The sender's congestion control. Default: the host's `net.ipv4.tcp_congestion_control`. */
  readonly congestion?: "reno" | "cubic" | "bbr" | "bbr3" | "dctcp";
  /** Side by side. Default: `1`. */
  readonly connections?: number;
  /** SO_RCVBUF of the receiver. Default: it tunes itself. */
  readonly receiveBuffer?: Size;
}

/** Requests and answers over TCP: how long a program waits. */
export interface TrafficTcpRequests {
  /** The host that sends. */
  readonly from: Name;
  /** A host, `host:interface`, or an address. */
  readonly to: string;
  /** Which of the receiver's addresses. Default: IPv4 if both ends have it. */
  readonly family?: "ipv4" | "ipv6";
  /** Destination port. Default: `80`. */
  readonly port?: number;
  /** Between requests, whether answered or not. Default: `"100ms"`. */
  readonly interval?: Duration;
  /** Bytes of a request. Default: `"100b"`. */
  readonly request?: Size;
  /** Bytes of an answer. Default: `"1kb"`. */
  readonly response?: Size;
  /** Default: until it is stopped. */
  readonly count?: number;
  /** An answer later than this counts as lost. Default: `"10s"`. */
  readonly timeout?: Duration;
  /** A connection for each request. Default: `false`. */
  readonly fresh?: boolean;
  /** With `fresh`: the request goes with the SYN. Default: `false`. */
  readonly fastOpen?: boolean;
  /** The sender's congestion control. Default: the host's `net.ipv4.tcp_congestion_control`. */
  readonly congestion?: "reno" | "cubic" | "bbr" | "bbr3" | "dctcp";
}

/** One packet of each inner protocol through each interface, as large as the stack makes them; where checksums were computed, what the CPU touched, and whether each frame on the wire is right. */
export interface TrafficSuperPackets {
  /** The host that sends. */
  readonly from: Name;
  /** The host that receives. Its interfaces have the sender's names. */
  readonly to: Name;
  /** The sender's interface on the link. Default: `"eth0"`. */
  readonly nic?: InterfaceName;
  /** The sender's interfaces to send through. */
  readonly via: readonly InterfaceName[];
  /** What is sent. */
  readonly inner: readonly ("tcp4" | "tcp6" | "udp4" | "udp6" | "sctp4" | "sctp6")[];
  /** Bytes of payload of each super-packet. No more than a segment: an ordinary packet. Default: `16000`. */
  readonly payload?: number;
  /** Bytes of payload in each frame. Default: `1200`. */
  readonly segment?: number;
}

/** Every host of a fabric sends to one other and receives from one, at random. */
export interface TrafficPermutation {
  /** The fabric, or several: each has its own, with the same dice. */
  readonly in: Name | readonly Name[];
  /** Each flow is UDP at this rate of payload, with exponential gaps. Default: TCP, as much as it can. */
  readonly udp?: Rate;
  /** UDP: bytes of payload each. Default: `1400`. */
  readonly size?: number;
  /** TCP: each flow ends after so many bytes. */
  readonly bytes?: number;
  /** TCP: congestion control, such as cubic or bbr. */
  readonly congestion?: string;
  /** Which of the random patterns. Default: `0`. */
  readonly seed?: number;
}

/** Host i of a fabric sends to host i + by, modulo their number. */
export interface TrafficStride {
  /** The fabric, or several: each has its own, with the same dice. */
  readonly in: Name | readonly Name[];
  /** Each flow is UDP at this rate of payload, with exponential gaps. Default: TCP, as much as it can. */
  readonly udp?: Rate;
  /** UDP: bytes of payload each. Default: `1400`. */
  readonly size?: number;
  /** TCP: each flow ends after so many bytes. */
  readonly bytes?: number;
  /** TCP: congestion control, such as cubic or bbr. */
  readonly congestion?: string;
  /** Which of the random patterns. Default: `0`. */
  readonly seed?: number;
  /** Default: half the hosts, so that all flows cross the core. */
  readonly by?: number;
}

/** Many hosts of a fabric send to one at the same time. */
export interface TrafficIncast {
  /** The fabric, or several: each has its own, with the same dice. */
  readonly in: Name | readonly Name[];
  /** Each flow is UDP at this rate of payload, with exponential gaps. Default: TCP, as much as it can. */
  readonly udp?: Rate;
  /** UDP: bytes of payload each. Default: `1400`. */
  readonly size?: number;
  /** TCP: each flow ends after so many bytes. */
  readonly bytes?: number;
  /** TCP: congestion control, such as cubic or bbr. */
  readonly congestion?: string;
  /** Which of the random patterns. Default: `0`. */
  readonly seed?: number;
  /** How many, chosen at random. */
  readonly senders: number;
  /** The number of the host that receives. Default: `0`. */
  readonly to?: number;
}

/** Flows between two hosts of a fabric. */
export interface TrafficPairs {
  /** The fabric, or several: each has its own, with the same dice. */
  readonly in: Name | readonly Name[];
  /** Each flow is UDP at this rate of payload, with exponential gaps. Default: TCP, as much as it can. */
  readonly udp?: Rate;
  /** UDP: bytes of payload each. Default: `1400`. */
  readonly size?: number;
  /** TCP: each flow ends after so many bytes. */
  readonly bytes?: number;
  /** TCP: congestion control, such as cubic or bbr. */
  readonly congestion?: string;
  /** Which of the random patterns. Default: `0`. */
  readonly seed?: number;
  /** The number of the host that sends. Default: `0`. */
  readonly from?: number;
  /** The number of the host that receives. Default: the last. */
  readonly to?: number;
  /** How many flows. Default: `1`. */
  readonly flows?: number;
}

/** One end of a tunnel. */
export interface Tunnel {
  /** What carries the packets. */
  readonly kind: "vxlan" | "geneve" | "gre" | "gretap" | "nvgre" | "erspan" | "ipip" | "sit" | "ip6tnl";
  /** Address of this end. */
  readonly local: Address;
  /** Address of the other end. A VXLAN may have `remotes` instead. */
  readonly remote?: Address;
  /** VXLAN: where frames for all go, and those for stations that are not known: ends that each get a copy, or a multicast group. */
  readonly remotes?: readonly Address[];
  /** VXLAN: stations and the ends behind which they are (`bridge fdb add`); they neither move nor age. */
  readonly fdb?: Readonly<Record<string, Address>>;
  /** VXLAN with several ends: learn who is where from what comes in. Default: `true`. */
  readonly learning?: boolean;
  /** VXLAN: a learned station goes after so long without use. Default: `"300s"`. */
  readonly ageing?: Duration;
  /** VXLAN: addresses for which it answers solicitations itself, if `suppress` says so. */
  readonly neighbours?: Readonly<Record<string, Mac>>;
  /** VXLAN: answer ARP and ND for `neighbours`. What is not among them is sent on (`neigh-suppress`) or goes nowhere (`proxy`). */
  readonly suppress?: "neigh-suppress" | "proxy";
  /** VNI, VSID, or session of ERSPAN. VXLAN, Geneve and NVGRE need it. */
  readonly id?: number;
  /** GRE key, both ways. */
  readonly key?: number;
  /** GRE checksum, both ways. Default: `false`. */
  readonly csum?: boolean;
  /** GRE sequence numbers, both ways. Default: `false`. */
  readonly seq?: boolean;
  /** Checksum of the outer UDP header. Default: as the kernel, on but for Geneve over IPv4. */
  readonly udpcsum?: boolean;
  /** Destination port. Default: that of the protocol. */
  readonly dstport?: number;
  /** The interface by which outer packets leave. */
  readonly dev?: InterfaceName;
  /** Outer TTL. Default: as the kernel. */
  readonly ttl?: number;
  /** Whether outer IPv4 packets say do not fragment. Default: as the kernel. */
  readonly df?: boolean;
  /** FOU or GUE around an IP tunnel. */
  readonly encap?: TunnelEncap;
}

/** FOU or GUE around an IP tunnel. */
export interface TunnelEncap {
  /** Which. */
  readonly type: "fou" | "gue";
  /** Destination port. */
  readonly dport: number;
  /** Checksum of the outer UDP header. Default: `false`. */
  readonly csum?: boolean;
}
