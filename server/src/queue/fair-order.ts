interface Waiting {
  user: string;
  number: number;
}

/**
 * The order in which waiting jobs will start: users take turns, whoever waited longest first; within a user, in order
 * of arrival. The first one is what `nextJob` claims.
 * @param waiting in order of arrival.
 * @param served when each user was last served; a user never served is missing.
 */
export function fairOrder<Job extends Waiting>(
  waiting: readonly Job[],
  served: ReadonlyMap<string, number>,
): Job[] {
  const queues = new Map<string, Job[]>();
  for (const job of waiting) {
    const queue = queues.get(job.user);
    if (queue === undefined) queues.set(job.user, [job]);
    else queue.push(job);
  }
  // Once everyone had a turn the order of users repeats, so it is enough to sort them once.
  const turns = [...queues.values()].sort(([a], [b]) => waitedLonger(a as Job, b as Job, served));
  const order: Job[] = [];
  for (let round = 0; order.length < waiting.length; round += 1) {
    for (const queue of turns) if (round < queue.length) order.push(queue[round] as Job);
  }
  return order;
}

/** Sorts by last turn; users that were never served, by whose job came first. */
function waitedLonger(a: Waiting, b: Waiting, served: ReadonlyMap<string, number>): number {
  return (served.get(a.user) ?? 0) - (served.get(b.user) ?? 0) || a.number - b.number;
}
