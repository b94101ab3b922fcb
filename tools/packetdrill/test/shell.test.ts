import { describe, expect, test } from "vitest";
import { UnsupportedError } from "../language/errors.ts";
import { FREEBSD } from "../profile/freebsd.ts";
import { LINUX } from "../profile/linux.ts";
import type { Profile } from "../profile/profile.ts";
import { filter } from "../shell/filters.ts";
import { runCommand } from "../shell/run-command.ts";
import { splitCommands } from "../shell/words.ts";
import { FakeSystem } from "./fake-system.ts";

function shell(
  text: string,
  profile: Profile = LINUX,
  system: FakeSystem = new FakeSystem(),
): { complaint: string | undefined; system: FakeSystem } {
  const addresses = { localAddress: "192.168.0.1", remoteAddress: "192.0.2.1", family: 4 } as const;
  return { complaint: runCommand(text, { sut: system, profile, addresses }), system };
}

function settings(text: string, profile: Profile = LINUX): Record<string, string> {
  const { complaint, system } = shell(text, profile);
  expect(complaint).toBeUndefined();
  return Object.fromEntries(system.settings);
}

describe("words", () => {
  test.each([
    ["a b\nc", [["a", "b"], ["c"]]],
    ['a "b c" \'d e\' f"g"h', [["a", "b c", "d e", "fgh"]]],
    ["a > /dev/null 2>&1", [["a"]]],
    ["a \\\n  b # no\nc", [["a", "b"], ["c"]]],
    ["a;b;", [["a"], ["b"]]],
    [String.raw`a\ b`, [["a b"]]],
  ])("%j", (text, commands) => {
    expect(splitCommands(text).map(({ words }) => words)).toEqual(commands);
  });

  test("lists and pipes", () => {
    expect(splitCommands("a | b && c || d\ne").map(({ after }) => after)).toEqual([";", "|", "&&", "||", ";"]);
  });
});

describe("filters", () => {
  const input = "one 1\ntwo 2\nthree 12\n";
  test.each([
    [["grep", "2"], "two 2\nthree 12\n", 0],
    [["grep", "-c", "2"], "2\n", 0],
    [["grep", "-v", "2"], "one 1\n", 0],
    [["grep", "-w", "2"], "two 2\n", 0],
    [["grep", "-q", "nothing"], "", 1],
    [["grep", "-c", "nothing"], "0\n", 1],
    [["grep", "-F", "1"], "one 1\nthree 12\n", 0],
    [["wc", "-l"], "3\n", 0],
    [["head", "-n", "1"], "one 1\n", 0],
    [["tail", "-1"], "three 12\n", 0],
    [["cat"], input, 0],
  ])("%j", (words, text, status) => {
    expect(filter(words, input)).toEqual({ text, status });
  });

  test("another is unsupported", () => {
    expect(() => filter(["awk", "{print}"], "")).toThrow(UnsupportedError);
  });
});

describe("sysctl", () => {
  test("Linux names, several at once, with slashes, with flags", () => {
    expect(
      settings("sysctl -q net.ipv4.tcp_sack=0 net/ipv4/tcp_ecn=1\nsysctl -w net.ipv4.tcp_rmem='4096  5 6'"),
    ).toEqual({
      tcp_sack: "0",
      tcp_ecn: "1",
      tcp_rmem: "4096 5 6",
    });
    expect(
      settings("../common/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0 \\\n /proc/sys/net/ipv4/tcp_ecn=2"),
    ).toEqual({
      tcp_timestamps: "0",
      tcp_ecn: "2",
    });
  });

  test("FreeBSD names by what they mean", () => {
    expect(
      settings(
        "sysctl -w net.inet.tcp.rfc1323=1\nsysctl -w net.inet.tcp.sack.enable=0\nsysctl -w net.inet.tcp.recvspace=65536",
        FREEBSD,
      ),
    ).toEqual({ tcp_timestamps: "1", tcp_window_scaling: "1", tcp_sack: "0", "tcp_rmem[1]": "65536" });
    expect(settings("sysctl -w net.inet.tcp.insecure_rst=1", FREEBSD)).toEqual({ insecureRst: "1" });
    expect(settings("sysctl -w net.inet.tcp.msl=30000", FREEBSD)).toEqual({ timewaitMs: "60000" });
  });

  test("a name that has nothing to set here is accepted; an unknown one is unsupported, unless -e says not to mind", () => {
    expect(settings("sysctl -w net.inet.tcp.hostcache.purgenow=1", FREEBSD)).toEqual({});
    expect(() => shell("sysctl -q net.inet.tcp.nothing=1", FREEBSD)).toThrow("sysctl net.inet.tcp.nothing");
    expect(() => shell("sysctl -q vm.nothing=1")).toThrow("sysctl vm.nothing");
    expect(() => shell("sysctl -q net.ipv4.nonsense=1")).toThrow("sysctl net.ipv4.nonsense");
    expect(shell("sysctl -e -q net.ipv4.nonsense=1").complaint).toBeUndefined();
  });

  test("the defaults that suites ask for first", () => {
    const { system, complaint } = shell("../common/defaults.sh");
    expect(complaint).toBeUndefined();
    expect(system.flushed).toBe(1);
    expect(Object.fromEntries(system.settings)).toMatchObject({
      tcp_ecn: "0",
      tcp_fastopen: "459779",
      tcp_congestion_control: "cubic",
    });
    expect(shell("/tmp/sysctl_restore_${PPID}.sh").complaint).toBeUndefined();
  });
});

describe("what the table of connections says", () => {
  const system = (): FakeSystem => {
    const made = new FakeSystem();
    made.rows.push(
      { state: "TIME_WAIT", family: 4, localPort: 8080, remotePort: 33_000 },
      { state: "ESTABLISHED", family: 6, localPort: 22, remotePort: 33_001 },
      { state: "SYN_RCVD", family: 4, localPort: 8080, remotePort: 33_002 },
    );
    return made;
  };

  test.each([
    ["sockstat -4 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1", true],
    ["sockstat -6 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1", false],
    ["sockstat -4 -P tcp -p 8080 -s | grep -c SYN_RCVD | grep 1", true],
    ["sockstat -4 -P tcp -p 8081 -s | grep -c SYN_RCVD | grep 0", false],
    ["sockstat -4 -P tcp -p 8081 -s | grep -c SYN_RCVD | grep -v 0 || true", true],
    ["sockstat -P tcp -s | grep packetdril | grep -c ESTABLISHED | grep 1", true],
  ])("%s: %s", (command, works) => {
    // `grep 0` finds the 0 that `grep -c` prints, and a pipe has the status of its last command.
    const { complaint } = shell(command, FREEBSD, system());
    expect(complaint === undefined).toBe(works || command.endsWith("grep 0"));
  });

  test("tcpdrop takes connections away", () => {
    const { system: made } = shell("tcpdrop -s TIME_WAIT", FREEBSD, system());
    expect(made.rows.map(({ state }) => state)).toEqual(["ESTABLISHED", "SYN_RCVD"]);
  });
});

describe("the device", () => {
  test("ethtool, tc, ip", () => {
    const system = new FakeSystem();
    system.offload = true;
    shell(
      "ethtool -K tun0 tso off gso off\ntc qdisc replace dev tun0 root fq\nip link set dev tun0 mtu 1400",
      LINUX,
      system,
    );
    shell(
      "ip route change 192.0.2.0/24 via 192.168.0.2 dev tun0 initcwnd 5 mtu lock 1200\nip tcp_metrics flush all > /dev/null 2>&1",
      LINUX,
      system,
    );
    expect(system.offload).toBe(false);
    expect(system.mtu).toBe(1400);
    expect(Object.fromEntries(system.routes)).toEqual({ initcwnd: "5", mtu: "lock 1200" });
    expect(system.flushed).toBe(1);
    expect(system.settings.get("pacing")).toBe("fq");
  });

  test.each([
    "tc filter add",
    "tc qdisc add dev tun0 root netem delay 1ms",
    "ethtool -G tun0",
    "ip addr add",
    "ip rule add",
    "ip link add x",
  ])("%s is unsupported", (command) => {
    expect(() => shell(command)).toThrow(UnsupportedError);
  });
});

describe("nstat", () => {
  test("counts since it was last asked", () => {
    const system = new FakeSystem();
    system.mib.set("TcpExtTCPAutoCorking", 3);
    const text = "nstat -n TcpExtTCPAutoCorking";
    shell(text, LINUX, system);
    system.mib.set("TcpExtTCPAutoCorking", 5);
    expect(shell("nstat -s TcpExtTCPAutoCorking | grep -w 2", LINUX, system).complaint).toBeUndefined();
    expect(shell("nstat -a TcpExtTCPAutoCorking | grep -w 5", LINUX, system).complaint).toBeUndefined();
    // Without names, all are taken note of.
    expect(shell("nstat -n", LINUX, system).complaint).toBeUndefined();
    system.mib.set("TcpExtTCPAutoCorking", 9);
    expect(shell("nstat | grep TcpExtTCPAutoCorking | grep -w 4", LINUX, system).complaint).toBeUndefined();
    expect(() => shell("nstat NoSuchCounter", LINUX, system)).toThrow("counter NoSuchCounter");
  });
});

describe("lists of commands", () => {
  test("&&, || and the last status", () => {
    expect(shell("true && true").complaint).toBeUndefined();
    expect(shell("false || true").complaint).toBeUndefined();
    expect(shell("true && false").complaint).toBe("command failed: false");
    expect(shell("false && nothing-that-exists").complaint).toBe("command failed: false");
    expect(() => shell("nothing-that-exists")).toThrow("command nothing-that-exists");
  });
});
