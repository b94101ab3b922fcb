/*
 * What is known of the acknowledgment that is being worked on (FLAG_… of net/ipv4/tcp_input.c).
 */

/** It carries data. */
export const FLAG_DATA = 0x01;
/** It updated the send window. */
export const FLAG_WIN_UPDATE = 0x02;
/** It acknowledged new data. */
export const FLAG_DATA_ACKED = 0x04;
/** Some of that was retransmitted. */
export const FLAG_RETRANS_DATA_ACKED = 0x08;
/** It acknowledged the SYN. */
export const FLAG_SYN_ACKED = 0x10;
/** It SACKed something new. */
export const FLAG_DATA_SACKED = 0x20;
/** It carries ECN-Echo. */
export const FLAG_ECE = 0x40;
/** It shows that a retransmission was lost. */
export const FLAG_LOST_RETRANS = 0x80;
/** It did not take the predicted way. */
export const FLAG_SLOWPATH = 0x100;
/** Never-retransmitted data of before the timeout was (S)ACKed. */
export const FLAG_ORIG_SACK_ACKED = 0x200;
/** SND.UNA has moved. */
export const FLAG_SND_UNA_ADVANCED = 0x400;
/** Its DSACK covers a loss probe. */
export const FLAG_DSACK_TLP = 0x800;
/** The first segment in the queue is SACKed: reneging. */
export const FLAG_SACK_RENEGING = 0x2000;
/** TS.Recent is to be updated by it. */
export const FLAG_UPDATE_TS_RECENT = 0x4000;
/** No challenge ACK if it is too old. */
export const FLAG_NO_CHALLENGE_ACK = 0x8000;
/** The peer may have delayed it. */
export const FLAG_ACK_MAYBE_DELAYED = 0x10000;
/** It says that something came twice. */
export const FLAG_DSACKING_ACK = 0x20000;
/** The transmit timer is to be set. */
export const FLAG_SET_XMIT_TIMER = 0x1000;

export const FLAG_ACKED: number = FLAG_DATA_ACKED | FLAG_SYN_ACKED;
export const FLAG_NOT_DUP: number = FLAG_DATA | FLAG_WIN_UPDATE | FLAG_ACKED;
export const FLAG_CA_ALERT: number = FLAG_DATA_SACKED | FLAG_ECE | FLAG_DSACKING_ACK;
export const FLAG_FORWARD_PROGRESS: number = FLAG_ACKED | FLAG_DATA_SACKED;
