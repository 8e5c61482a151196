/** What one request may ask for. Each limit is checked before anything is queued or allocated. */
export const LIMITS = {
  promptLength: 20_000,
  side: { min: 64, max: 2048, multipleOf: 8 },
  steps: { min: 1, max: 150 },
  cfgScale: { min: 0, max: 100 },
  seed: { min: -1, max: 2 ** 32 - 1 },
  batchSize: 8,
  batchCount: 100,
  picturesPerJob: 100,
  /** Sum over pictures of steps × pixels. */
  totalWork: 2e10,
} as const;
