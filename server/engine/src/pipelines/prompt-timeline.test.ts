import { describe, expect, it } from 'vitest';
import { ColourModel } from './colour-model.ts';
import { textToImage, type TextToImageRequest } from './text-to-image.ts';

/** Keeps for each evaluation which text it followed, by the text's second token. */
class ListeningModel extends ColourModel {
  readonly heard: number[] = [];

  override async predict(...args: Parameters<ColourModel['predict']>) {
    this.heard.push(args[2].data[0]!);
    return super.predict(...args);
  }
}

/** The texts of each evaluation, as letters in the order in which they first came. */
async function heard(prompt: string, request: Partial<TextToImageRequest> = {}): Promise<string> {
  const model = new ListeningModel();
  const small = { width: 64, height: 64, steps: 4, cfgScale: 1, sampler: 'Euler' };
  for await (const event of textToImage(model, { ...small, ...request, prompt })) expect(event).toBeDefined();
  const letters = [...new Set(model.heard)];
  return model.heard.map((one) => 'abcdef'[letters.indexOf(one)]).join('');
}

describe('a prompt that changes over time', () => {
  it('is followed by evaluations, the first text one longer than its number says', async () => {
    expect(await heard('[red:blue:1]')).toBe('aabb');
    expect(await heard('[red|blue]')).toBe('aaba');
  });

  it('counts the evaluations of samplers that make two a step', async () => {
    expect(await heard('[red:blue:0.5]', { sampler: 'Heun' })).toBe('aaaaabb');
  });

  it('goes on in a second pass', async () => {
    expect(await heard('[red:blue:1.5]', { hires: { scale: 2, steps: 4, strength: 0.5 } })).toBe('aaaaaaab');
  });

  it('changes the negative prompt too', async () => {
    expect(await heard('red', { cfgScale: 2, negativePrompt: '[blue:green:1]' })).toBe('ababacac');
  });
});
