import fc from "fast-check";

/** Property tests draw the same cases every time; `SEVILLE_TEST_SEED` draws others. A test may give a seed of its own. */
fc.configureGlobal({ seed: Number(process.env.SEVILLE_TEST_SEED ?? 20160210) });
