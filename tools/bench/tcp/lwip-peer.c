/*
 * The lwIP side of `pnpm bench tcp`: two ends of one TCP connection in one process and one thread, joined by two
 * network interfaces that hand packets to each other through a queue. MTU 1500, checksums made and verified, every
 * packet copied once on its way across, as on any wire.
 *
 * usage: lwip-peer BYTES        prints {"bytes":…,"packets":…,"cpuNanos":…} for the transfer alone
 * build: cc -O2 lwip-peer.c -llwip -o lwip-peer       (Debian: liblwip-dev)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/tcpip.h"
#include "lwip/timeouts.h"

#define PORT 5001
#define QUEUE 4096 /* a power of two, more than two windows of packets */

struct wire {
  struct netif netif;
  struct wire *peer;
};

static struct {
  struct wire *to;
  struct pbuf *packet;
} queue[QUEUE];
static unsigned queue_head, queue_tail;

static struct wire client_side, server_side;
static unsigned long long goal, handed_over, received, packets;
static char source[64 * 1024];

static void fail(const char *what) {
  fprintf(stderr, "lwip-peer: %s\n", what);
  exit(1);
}

/* A netif's output: the packet is copied, as a wire would, and waits for its turn, so that nothing recurses. */
static err_t wire_output(struct netif *netif, struct pbuf *packet, const ip4_addr_t *next_hop) {
  struct wire *wire = netif->state;
  struct pbuf *copy = pbuf_alloc(PBUF_RAW, packet->tot_len, PBUF_RAM);
  (void)next_hop;
  if (copy == NULL || queue_head - queue_tail == QUEUE) fail("out of memory on the wire");
  if (pbuf_copy(copy, packet) != ERR_OK) fail("a packet could not be copied");
  queue[queue_head % QUEUE].to = wire->peer;
  queue[queue_head++ % QUEUE].packet = copy;
  packets++;
  return ERR_OK;
}

static err_t wire_init(struct netif *netif) {
  netif->name[0] = 'w';
  netif->name[1] = netif->state == &client_side ? 'c' : 's';
  netif->mtu = 1500;
  netif->output = wire_output;
  netif->flags |= NETIF_FLAG_LINK_UP;
  return ERR_OK;
}

static void add_wire(struct wire *wire, struct wire *peer, int host) {
  ip4_addr_t address, mask, gateway;
  IP4_ADDR(&address, 10, 0, 0, host);
  IP4_ADDR(&mask, 255, 255, 255, 0);
  ip4_addr_set_zero(&gateway);
  wire->peer = peer;
  if (netif_add(&wire->netif, &address, &mask, &gateway, wire, wire_init, ip_input) == NULL) fail("netif_add");
  netif_set_up(&wire->netif);
}

static err_t on_receive(void *argument, struct tcp_pcb *pcb, struct pbuf *data, err_t error) {
  (void)argument;
  if (error != ERR_OK || data == NULL) return ERR_OK;
  received += data->tot_len;
  tcp_recved(pcb, data->tot_len);
  pbuf_free(data);
  return ERR_OK;
}

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error) {
  (void)argument;
  if (error != ERR_OK) return error;
  tcp_recv(pcb, on_receive);
  return ERR_OK;
}

static void fill(struct tcp_pcb *pcb) {
  while (handed_over < goal) {
    unsigned long long left = goal - handed_over;
    u16_t room = tcp_sndbuf(pcb);
    u16_t length = left < room ? (u16_t)left : room;
    if (length < 8 * 1460 && length < left) break; /* wait for more room rather than send crumbs */
    if (length == 0 || tcp_write(pcb, source, length, TCP_WRITE_FLAG_COPY) != ERR_OK) break;
    handed_over += length;
  }
  tcp_output(pcb);
}

static err_t on_sent(void *argument, struct tcp_pcb *pcb, u16_t length) {
  (void)argument;
  (void)length;
  fill(pcb);
  return ERR_OK;
}

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t error) {
  (void)argument;
  if (error != ERR_OK) fail("not connected");
  fill(pcb);
  return ERR_OK;
}

static void on_error(void *argument, err_t error) {
  (void)argument;
  fprintf(stderr, "lwip-peer: the connection failed: %d\n", error);
  exit(1);
}

static unsigned long long cpu_nanos(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int main(int count, char **values) {
  ip_addr_t server;
  struct tcp_pcb *listener, *client;
  unsigned long long start, idle = 0, seen = 0;

  if (count != 2) fail("usage: lwip-peer BYTES");
  goal = strtoull(values[1], NULL, 10);
  for (size_t i = 0; i < sizeof source; i++) source[i] = (char)(i * 31 + 7);

  tcpip_init(NULL, NULL);
  LOCK_TCPIP_CORE(); /* held to the end: lwIP's own thread never runs beside us */
  add_wire(&client_side, &server_side, 1);
  add_wire(&server_side, &client_side, 2);

  listener = tcp_new();
  if (listener == NULL || tcp_bind(listener, &server_side.netif.ip_addr, PORT) != ERR_OK) fail("bind");
  tcp_bind_netif(listener, &server_side.netif);
  listener = tcp_listen(listener);
  if (listener == NULL) fail("listen");
  tcp_accept(listener, on_accept);

  client = tcp_new();
  if (client == NULL) fail("tcp_new");
  tcp_bind_netif(client, &client_side.netif);
  tcp_sent(client, on_sent);
  tcp_err(client, on_error);
  ip_addr_copy(server, server_side.netif.ip_addr);
  if (tcp_connect(client, &server, PORT, on_connected) != ERR_OK) fail("connect");

  start = cpu_nanos();
  while (received < goal) {
    if (queue_tail != queue_head) {
      struct wire *to = queue[queue_tail % QUEUE].to;
      struct pbuf *packet = queue[queue_tail++ % QUEUE].packet;
      if (to->netif.input(packet, &to->netif) != ERR_OK) pbuf_free(packet);
      continue;
    }
    sys_check_timeouts(); /* delayed acknowledgements and the like: only when nothing else moves */
    if (received == seen && ++idle > 50000000ull) fail("the transfer stands still");
    if (received != seen) idle = 0;
    seen = received;
  }
  printf("{\"bytes\":%llu,\"packets\":%llu,\"cpuNanos\":%llu}\n", received, packets, cpu_nanos() - start);
  fflush(stdout);
  _Exit(0); /* lwIP's thread waits for the lock: nothing to tidy up */
}
