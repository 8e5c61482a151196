/** How long a poll goes on: much longer than it takes, since many tests share the machine. */
export const PATIENT = { timeout: 60_000 };
