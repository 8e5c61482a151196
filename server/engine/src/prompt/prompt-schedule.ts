import type { PromptNode } from './prompt-node.ts';
import { parseSchedule } from './schedule-grammar.ts';
import { joinStretches, type Stretch } from './stretch.ts';

/** The time over which a prompt changes, in evaluations of the guided model, which for some samplers are two a step. */
export interface PromptTiming {
  /** Of the only pass, or of the first of two. */
  readonly steps: number;
  /**
   * Of the second pass; the schedule is for that pass then. In it shares count from 1 to 2, and steps go on from those of the
   * first.
   */
  readonly hiresSteps?: number;
  /** As the webui did before 1.6: any number below 1 is a share, any other a step, in both passes. Default false. */
  readonly isOldTimeline?: boolean;
}

/** What a prompt is up to a moment. */
export interface ScheduledText {
  /** The last evaluation with this text, counted from 0; see {@link entryAt}. */
  readonly endAt: number;
  readonly text: string;
}

/**
 * A prompt over time: `[from:to:when]`, `[to:when]`, `[from::when]`, `[a|b]`, nested at will. What is not that is text, and
 * brackets of emphasis stay. Neighbours may be equal. Any text is fine; time and size are those of the text times the steps
 * at which it changes.
 * @returns At least one entry; those of alternations are as many as there are steps.
 */
export function scheduleOf(prompt: string, timing: PromptTiming): ScheduledText[] {
  const tree = parseSchedule(prompt);
  const all = passLength(timing);
  if (tree === null) return [{ endAt: all, text: prompt }];
  return boundaries(tree, timing).map((endAt) => ({
    endAt,
    text: joinStretches(stretchesAt(tree, endAt, timing)),
  }));
}

/**
 * The entry that counts in an evaluation: the first whose end is not over. As in the webui it lasts one evaluation longer
 * than its number says, as they count from 0, and past all ends the first entry counts again.
 */
export function entryAt<T extends { readonly endAt: number }>(schedule: readonly T[], evaluation: number): T {
  return schedule.find(({ endAt }) => evaluation <= endAt) ?? schedule[0]!;
}

/** Which pieces of the prompt count up to a boundary, in order. */
export function stretchesAt(tree: PromptNode, boundary: number, timing: PromptTiming): Stretch[] {
  const found: Stretch[] = [];
  const pending: PromptNode[] = [tree];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if ('text' in node) found.push(node);
    else if ('when' in node) pending.push(boundary <= endOf(node.when, timing) ? node.before : node.after);
    else if ('choices' in node) pending.push(node.choices[(boundary - 1) % node.choices.length]!);
    else for (let index = node.length - 1; index >= 0; index -= 1) pending.push(node[index]!);
  }
  return found;
}

/** All moments at which anything in the prompt changes, also within what does not count then, in ascending order. */
export function boundaries(tree: PromptNode, timing: PromptTiming): number[] {
  const steps = passLength(timing);
  const found = new Set([steps]);
  const pending: PromptNode[] = [tree];
  let alternates = false;
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if ('text' in node) continue;
    if ('when' in node) {
      const end = endOf(node.when, timing);
      if (end >= 1) found.add(end);
      pending.push(node.before, node.after);
    } else if ('choices' in node) {
      alternates = true;
      for (const choice of node.choices) pending.push(choice);
    } else for (const one of node) pending.push(one);
  }
  if (alternates) for (let step = 1; step <= steps; step += 1) found.add(step);
  return [...found].sort((one, other) => one - other);
}

function passLength({ steps, hiresSteps, isOldTimeline }: PromptTiming): number {
  return hiresSteps === undefined || isOldTimeline ? steps : hiresSteps;
}

/** The evaluation that a number in a prompt means, at most the last; below 1 nothing comes before it. */
function endOf(when: string, timing: PromptTiming): number {
  const length = passLength(timing);
  const isSecond = timing.hiresSteps !== undefined && !timing.isOldTimeline;
  const value = Number(when);
  const isShare = timing.isOldTimeline ? value < 1 : when.includes('.');
  const step = isShare ? (value - (isSecond ? 1 : 0)) * length : value - (isSecond ? timing.steps : 0);
  return Math.min(length, Math.trunc(step));
}
