import type { LossTree } from "./evidence.ts";

/** Found by `tools/bench/loss-cause/tune.ts`; not written by hand. */
export const LOSS_TREE: LossTree = {
  feature: "queueLevel",
  threshold: 0.608,
  low: {
    feature: "pastLosses",
    threshold: 3.38,
    low: {
      feature: "clustering",
      threshold: 12.7,
      low: {
        feature: "gap",
        threshold: 10,
        low: {
          feature: "fill",
          threshold: 0.205,
          low: { overflow: 0, policer: 0.11, random: 0.89, mixed: 0 },
          high: { overflow: 0, policer: 0.93, random: 0.07, mixed: 0 },
        },
        high: {
          feature: "pastLosses",
          threshold: 2.88,
          low: {
            feature: "queueAtLoss",
            threshold: 0.925,
            low: {
              feature: "pastLevelSpread",
              threshold: 0.00194,
              low: {
                feature: "pastLevelSpread",
                threshold: 0.0000676,
                low: { overflow: 0, policer: 0, random: 1, mixed: 0 },
                high: { overflow: 0.11, policer: 0.72, random: 0.17, mixed: 0 },
              },
              high: { overflow: 0.01, policer: 0.02, random: 0.97, mixed: 0 },
            },
            high: {
              feature: "lossShare",
              threshold: 0.0333,
              low: { overflow: 0, policer: 0, random: 1, mixed: 0 },
              high: { overflow: 1, policer: 0, random: 0, mixed: 0 },
            },
          },
          high: {
            feature: "lossShare",
            threshold: 0.0435,
            low: { overflow: 0.01, policer: 0.04, random: 0.95, mixed: 0 },
            high: { overflow: 0.06, policer: 0.79, random: 0.14, mixed: 0 },
          },
        },
      },
      high: {
        feature: "span",
        threshold: 2.43,
        low: {
          feature: "lossShare",
          threshold: 0.182,
          low: { overflow: 0.07, policer: 0.33, random: 0.59, mixed: 0 },
          high: { overflow: 0.01, policer: 0.98, random: 0.01, mixed: 0 },
        },
        high: { overflow: 0, policer: 0.15, random: 0, mixed: 0.85 },
      },
    },
    high: {
      feature: "lossShare",
      threshold: 0.0323,
      low: {
        feature: "queueSize",
        threshold: 0.362,
        low: { overflow: 0, policer: 0.92, random: 0.08, mixed: 0 },
        high: {
          feature: "pastLevelSpread",
          threshold: 0.0166,
          low: {
            feature: "queueAtLoss",
            threshold: 0.0422,
            low: { overflow: 0, policer: 0.84, random: 0.16, mixed: 0 },
            high: { overflow: 0.17, policer: 0.1, random: 0.73, mixed: 0 },
          },
          high: {
            feature: "queueHigh",
            threshold: 0.759,
            low: { overflow: 0.01, policer: 0.02, random: 0.97, mixed: 0 },
            high: { overflow: 0, policer: 0, random: 0.38, mixed: 0.62 },
          },
        },
      },
      high: {
        feature: "queueAtLoss",
        threshold: 0.187,
        low: {
          feature: "plateauSpread",
          threshold: 0.231,
          low: {
            feature: "lossShare",
            threshold: 0.0377,
            low: {
              feature: "losses",
              threshold: 7,
              low: { overflow: 0, policer: 0.98, random: 0.02, mixed: 0 },
              high: { overflow: 0, policer: 0.23, random: 0.77, mixed: 0 },
            },
            high: { overflow: 0, policer: 0.99, random: 0.01, mixed: 0 },
          },
          high: {
            feature: "lossShare",
            threshold: 0.1,
            low: { overflow: 0, policer: 0.06, random: 0.94, mixed: 0 },
            high: { overflow: 0, policer: 0.96, random: 0.04, mixed: 0 },
          },
        },
        high: {
          feature: "queueSize",
          threshold: 1.09,
          low: { overflow: 0.83, policer: 0, random: 0.03, mixed: 0.14 },
          high: { overflow: 0.05, policer: 0.11, random: 0.68, mixed: 0.16 },
        },
      },
    },
  },
  high: {
    feature: "pastLevelSpread",
    threshold: 0.0669,
    low: {
      feature: "again",
      threshold: 0,
      low: {
        feature: "queueLow",
        threshold: 0.874,
        low: {
          feature: "queueHigh",
          threshold: 0.947,
          low: {
            feature: "pastLosses",
            threshold: 3,
            low: {
              feature: "lossShare",
              threshold: 0.0222,
              low: { overflow: 0, policer: 0, random: 1, mixed: 0 },
              high: {
                feature: "pastLevel",
                threshold: 0.246,
                low: { overflow: 0.24, policer: 0.18, random: 0.58, mixed: 0 },
                high: { overflow: 0.62, policer: 0, random: 0.38, mixed: 0 },
              },
            },
            high: {
              feature: "pastLevelSpread",
              threshold: 0.0288,
              low: { overflow: 0.96, policer: 0, random: 0.04, mixed: 0 },
              high: {
                feature: "lossShare",
                threshold: 0.0465,
                low: { overflow: 0.31, policer: 0, random: 0.69, mixed: 0 },
                high: {
                  feature: "fill",
                  threshold: 0.325,
                  low: { overflow: 0.38, policer: 0, random: 0, mixed: 0.62 },
                  high: { overflow: 0.82, policer: 0.03, random: 0, mixed: 0.14 },
                },
              },
            },
          },
          high: {
            feature: "queueLow",
            threshold: 0.806,
            low: {
              feature: "queueAtLoss",
              threshold: 0.454,
              low: { overflow: 0.06, policer: 0.48, random: 0.05, mixed: 0.41 },
              high: { overflow: 0.02, policer: 0, random: 0.02, mixed: 0.96 },
            },
            high: {
              feature: "queueLow",
              threshold: 0.835,
              low: { overflow: 0.83, policer: 0, random: 0.03, mixed: 0.14 },
              high: {
                feature: "clustering",
                threshold: 6,
                low: { overflow: 0.3, policer: 0, random: 0, mixed: 0.7 },
                high: { overflow: 0.79, policer: 0, random: 0, mixed: 0.21 },
              },
            },
          },
        },
        high: {
          feature: "queueLow",
          threshold: 0.937,
          low: {
            feature: "queueSize",
            threshold: 0.907,
            low: {
              feature: "queueSize",
              threshold: 0.615,
              low: { overflow: 0.96, policer: 0, random: 0.02, mixed: 0.02 },
              high: {
                feature: "gap",
                threshold: 49,
                low: {
                  feature: "risen",
                  threshold: 0.232,
                  low: { overflow: 0.73, policer: 0, random: 0.05, mixed: 0.22 },
                  high: { overflow: 0.23, policer: 0, random: 0.04, mixed: 0.73 },
                },
                high: { overflow: 0.98, policer: 0, random: 0.02, mixed: 0 },
              },
            },
            high: { overflow: 0.24, policer: 0, random: 0.12, mixed: 0.64 },
          },
          high: { overflow: 0.97, policer: 0, random: 0.01, mixed: 0.01 },
        },
      },
      high: {
        feature: "queueSize",
        threshold: 0.363,
        low: { overflow: 0, policer: 1, random: 0, mixed: 0 },
        high: {
          feature: "rateDrop",
          threshold: 1.81,
          low: {
            feature: "queueAtLoss",
            threshold: 0.457,
            low: { overflow: 0.63, policer: 0, random: 0, mixed: 0.37 },
            high: { overflow: 0.09, policer: 0, random: 0, mixed: 0.91 },
          },
          high: { overflow: 0.8, policer: 0, random: 0.06, mixed: 0.14 },
        },
      },
    },
    high: {
      feature: "queueHigh",
      threshold: 0.898,
      low: {
        feature: "losses",
        threshold: 9,
        low: {
          feature: "queueSize",
          threshold: 0.852,
          low: {
            feature: "lossShare",
            threshold: 0.0435,
            low: { overflow: 0.11, policer: 0.03, random: 0.73, mixed: 0.12 },
            high: { overflow: 0.87, policer: 0, random: 0.13, mixed: 0 },
          },
          high: { overflow: 0.04, policer: 0.01, random: 0.94, mixed: 0 },
        },
        high: { overflow: 0.25, policer: 0.75, random: 0, mixed: 0 },
      },
      high: {
        feature: "span",
        threshold: 0.215,
        low: {
          feature: "pastLevel",
          threshold: 0.654,
          low: { overflow: 0.24, policer: 0, random: 0.38, mixed: 0.38 },
          high: {
            feature: "rateDrop",
            threshold: 1.09,
            low: { overflow: 0.99, policer: 0, random: 0.01, mixed: 0 },
            high: { overflow: 0.45, policer: 0, random: 0, mixed: 0.55 },
          },
        },
        high: {
          feature: "queueLow",
          threshold: 0.869,
          low: {
            feature: "queueSize",
            threshold: 0.374,
            low: { overflow: 0, policer: 0.73, random: 0.05, mixed: 0.22 },
            high: { overflow: 0.01, policer: 0, random: 0.05, mixed: 0.94 },
          },
          high: {
            feature: "queueSize",
            threshold: 1.07,
            low: {
              feature: "pastLevelSpread",
              threshold: 0.208,
              low: {
                feature: "lossShare",
                threshold: 0.0667,
                low: {
                  feature: "risen",
                  threshold: 0.0798,
                  low: { overflow: 0.19, policer: 0, random: 0, mixed: 0.81 },
                  high: { overflow: 0.8, policer: 0, random: 0, mixed: 0.2 },
                },
                high: { overflow: 0.97, policer: 0.03, random: 0, mixed: 0 },
              },
              high: { overflow: 0.27, policer: 0, random: 0, mixed: 0.73 },
            },
            high: {
              feature: "losses",
              threshold: 4,
              low: {
                feature: "plateauSpread",
                threshold: 0.0823,
                low: { overflow: 0.49, policer: 0, random: 0.05, mixed: 0.46 },
                high: { overflow: 0.07, policer: 0, random: 0, mixed: 0.93 },
              },
              high: { overflow: 0, policer: 0, random: 0, mixed: 1 },
            },
          },
        },
      },
    },
  },
};
