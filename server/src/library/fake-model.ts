import type { ModelView } from '@atelier/contract';

/** What the fake engine draws with where no checkpoint is there: it needs no file. */
export const FAKE_MODEL: ModelView = {
  name: 'fake',
  fileName: 'fake',
  title: 'Test pictures',
  family: null,
  sizeBytes: 0,
  shortHash: null,
  description: 'Deterministic pictures of the fake engine, for trying out the server without weights.',
  usageHint: null,
  licence: null,
  samplePrompts: [],
  defaults: {},
  problem: null,
};
