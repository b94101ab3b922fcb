import { NS_PER_MS, NS_PER_SEC } from "@seville/core";

/** TCP_PAWS_WINDOW: how far a timestamp may go back. */
export const PAWS_WINDOW = 1;
/** TCP_PAWS_WRAP, 24 days here: an older TS.Recent is not believed (RFC 7323 §5.5). */
export const PAWS_WRAP: number = 2147 * NS_PER_SEC;
/** TCP_PAWS_MSL. */
export const PAWS_MSL: number = 60 * NS_PER_SEC;
/** TCP_ATO_MIN: least estimate of the delayed acknowledgment's timeout. */
export const ATO_MIN: number = 40 * NS_PER_MS;
/** TCP_RESOURCE_PROBE_INTERVAL: try again after local congestion. */
export const RESOURCE_PROBE_INTERVAL: number = 500 * NS_PER_MS;
/** TCP_FASTRETRANS_THRESH. */
export const FASTRETRANS_THRESH = 3;
/** TCP_THIN_LINEAR_RETRIES. */
export const THIN_LINEAR_RETRIES = 6;
/** TCP_NAGLE_OFF, TCP_NAGLE_CORK, TCP_NAGLE_PUSH. */
export const NAGLE_OFF = 1;
export const NAGLE_CORK = 2;
export const NAGLE_PUSH = 4;
/** tcp_pingpong_thresh. */
export const PINGPONG_THRESH = 1;
/** MAX_TCP_OPTION_SPACE. */
export const MAX_OPTION_SPACE = 40;
/** TCPOLEN_TSTAMP_ALIGNED. */
export const TSTAMP_ALIGNED = 12;
/** What a segment costs beside its bytes in the send buffer's account (`skb->truesize`). */
export const SEGMENT_TRUESIZE = 1024;
/** Greatest window without scaling, and greatest scale. */
export const MAX_UNSCALED_WINDOW = 65_535;
export const MAX_WSCALE = 14;
/** The kernel's jiffy here. */
export const JIFFY: number = NS_PER_MS;
/** MSG_… of send and receive, by Linux's values. */
export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_TRUNC = 0x20;
export const MSG_EOR = 0x80;
export const MSG_MORE = 0x8000;
export const MSG_FASTOPEN = 0x2000_0000;
