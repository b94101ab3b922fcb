/**
 * Whether what is bound to the device `bound` (0: to none) takes what came in at `ifindex`, through a VRF from its slave
 * `sdif` (`inet_bound_dev_eq`): what is bound to none has no part in VRFs unless `tcp_l3mdev_accept` gives it one.
 */
export function takesFrom(bound: number, ifindex: number, sdif: number, acceptL3mdev: boolean): boolean {
  if (bound === 0) return sdif === 0 || acceptL3mdev;
  return bound === ifindex || bound === sdif;
}
