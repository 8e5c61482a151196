import { splitAtAnd } from './composition.ts';
import { entryAt, scheduleOf, type PromptTiming } from './prompt-schedule.ts';

/** What a prompt asks for over time: which texts are to be encoded, and which of them count in each evaluation. */
export interface PromptPlan {
  /** Each once. */
  readonly texts: readonly string[];
  /** Of the prompts that AND joins; one where there is no AND. */
  readonly parts: readonly PlannedPart[];
}

/** One prompt and how much it counts. */
export interface PlannedPart {
  readonly weight: number;
  /**
   * In order of time, at least one; neighbours may be equal. The webui encodes all entries of a part as one batch: with as many
   * chunks as the longest has, and with one mean to restore under emphasis.
   */
  readonly schedule: readonly PlannedText[];
}

/** The text, as its place among {@link PromptPlan.texts}, up to an evaluation. */
export interface PlannedText {
  readonly endAt: number;
  readonly text: number;
}

export interface PlanOptions extends Omit<PromptTiming, 'steps'> {
  /** Negative prompts are not cut at AND. Default false. */
  readonly isNegative?: boolean;
}

/**
 * Plans a prompt over the evaluations of a pass: cut at AND, each part over time.
 * @param prompt Without comments and tags.
 * @param steps Evaluations of the pass, or of the first where `hiresSteps` are given: for samplers that evaluate the model
 * twice a step, two a step.
 */
export function promptPlan(prompt: string, steps: number, options: PlanOptions = {}): PromptPlan {
  const { isNegative = false, ...timing } = options;
  const indices = new Map<string, number>();
  const indexOf = (text: string) => {
    const index = indices.get(text) ?? indices.size;
    indices.set(text, index);
    return index;
  };
  const parts = (isNegative ? [{ text: prompt, weight: 1 }] : splitAtAnd(prompt)).map(({ text, weight }) => ({
    weight,
    schedule: scheduleOf(text, { ...timing, steps }).map((entry) => ({
      endAt: entry.endAt,
      text: indexOf(entry.text),
    })),
  }));
  return { texts: [...indices.keys()], parts };
}

/** The texts that count in an evaluation, counted from 0, and how much: one for each part. */
export function textsAt(
  { texts, parts }: PromptPlan,
  evaluation: number,
): { text: string; weight: number }[] {
  return parts.map(({ weight, schedule }) => ({
    text: texts[entryAt(schedule, evaluation).text]!,
    weight,
  }));
}
