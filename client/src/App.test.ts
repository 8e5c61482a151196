import './test/browser-gaps.ts';
import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { beforeEach, expect, test } from 'vitest';
import App from './App.svelte';
import { Api } from './lib/api/api.ts';
import { Studio } from './lib/state/studio.svelte.ts';
import { FakeServer } from './test/fake-server.ts';
import {
  sampleImage,
  sampleJob,
  sampleModel,
  samplePreview,
  sampleSettings,
} from '@atelier/contract/samples';

async function open(server: FakeServer): Promise<Studio> {
  if (server.models.length === 0) {
    const defaults = { width: 128, height: 128, steps: 30 };
    server.models = [
      sampleModel('starter', { title: 'Starter', samplePrompts: ['a red apple', 'a lemon'], defaults }),
    ];
  }
  const studio = new Studio(new Api(server.fetch), server.socket);
  render(App, { studio });
  server.tell('connect');
  await studio.load();
  return studio;
}

const sent = (server: FakeServer, ending: string): unknown[] =>
  server.requests.filter(({ path, body }) => path.endsWith(ending) && body !== null).map(({ body }) => body);

beforeEach(() => localStorage.clear());

test('every control of the form has a name', async () => {
  await open(new FakeServer());
  const form = screen.getByRole('form', { name: 'Generate a picture' });
  for (const role of ['textbox', 'spinbutton', 'slider', 'combobox', 'button']) {
    const controls = within(form).getAllByRole(role);
    const named = within(form).getAllByRole(role, { name: /\S/ });
    expect(named, role).toEqual(controls);
  }
});

test('a sample prompt, then Ctrl+Enter, is a job', async () => {
  const server = new FakeServer();
  await open(server);
  const [chip] = await screen.findAllByRole('button', { name: /a red apple/ });
  if (chip === undefined) throw new Error('No sample prompt is offered.');
  await fireEvent.click(chip);
  expect(screen.getByLabelText<HTMLTextAreaElement>('Prompt').value).toBe('a red apple');
  await fireEvent.keyDown(screen.getByLabelText('Prompt'), { key: 'Enter', ctrlKey: true });
  expect(sent(server, '/jobs')).toMatchObject([
    { prompt: 'a red apple', width: 128, height: 128, steps: 30 },
  ]);
});

test('Generate without a prompt leads to the prompt', async () => {
  const server = new FakeServer();
  await open(server);
  await fireEvent.submit(screen.getByRole('form', { name: 'Generate a picture' }));
  expect((await screen.findByRole('alert')).textContent).toContain('a red apple');
  expect(document.activeElement).toBe(screen.getByLabelText('Prompt'));
  expect(sent(server, '/jobs')).toEqual([]);
});

test('Esc stops the running job, but not while something lies over the page', async () => {
  const server = new FakeServer();
  server.set(sampleJob(1, { state: 'running', seq: 1 }));
  await open(server);
  await fireEvent.click(screen.getByRole('button', { name: /Queue/ }));
  await fireEvent.keyDown(document.body, { key: 'Escape' });
  expect(sent(server, '/cancel')).toHaveLength(0);
  await fireEvent.click(screen.getByRole('button', { name: 'Close the queue' }));
  await fireEvent.keyDown(document.body, { key: 'Escape' });
  expect(sent(server, '/cancel')).toHaveLength(1);
});

test('the preview, step and time left of the running job are on the page', async () => {
  const server = new FakeServer();
  const progress = {
    stage: 'sampling',
    image: 0,
    images: 1,
    step: 7,
    steps: 20,
    fraction: 0.35,
    etaMs: 9_000,
  } as const;
  server.set(sampleJob(1, { state: 'running', seq: 3, progress }));
  server.previews = [samplePreview(1, { step: 7, seq: 3 })];
  await open(server);
  expect(screen.getByText('Step 7 of 20')).toBeDefined();
  expect(screen.getByText('about 9 s left')).toBeDefined();
  expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('35');
  expect((await screen.findByAltText('Preview at step 7')).getAttribute('src')).toBe('blob:test');
});

test('a broken model is listed, cannot be chosen, and says why', async () => {
  const server = new FakeServer();
  const problem = { type: 'model-invalid', detail: 'The file ends too early.', hint: 'Download it again.' };
  server.models = [sampleModel('good'), sampleModel('half', { problem })];
  await open(server);
  expect(screen.getByRole<HTMLOptionElement>('option', { name: /half/ }).disabled).toBe(true);
  expect(screen.getByText(/The file ends too early/)).toBeDefined();
  expect(screen.getByLabelText<HTMLSelectElement>('Model').value).toBe('good');
});

test('without a model the page says where to put one', async () => {
  const server = new FakeServer();
  server.models = [
    sampleModel('half', { problem: { type: 'model-invalid', detail: 'Broken.', hint: null } }),
  ];
  await open(server);
  expect(await screen.findByText('models/checkpoints')).toBeDefined();
  expect(screen.getByRole<HTMLButtonElement>('button', { name: /Generate/ }).disabled).toBe(true);
});

test('a failed job says why in the queue, and can be tried again', async () => {
  const server = new FakeServer();
  const failure = { type: 'timeout', title: 'Took too long', detail: 'No step for 120 s.', hint: null };
  server.set(
    sampleJob(1, { state: 'failed', seq: 1, failure, settings: sampleSettings({ prompt: 'a boat' }) }),
  );
  await open(server);
  await fireEvent.click(screen.getByRole('button', { name: /Queue/ }));
  const card = await screen.findByRole('article', { name: 'a boat' });
  expect(card.textContent).toContain('No step for 120 s.');
  await fireEvent.click(within(card).getByRole('button', { name: 'Try again' }));
  expect(sent(server, '/jobs')).toMatchObject([{ prompt: 'a boat', seed: 42 }]);
});

test('the lightbox shows all settings, turns with the arrow keys, and gives the settings back to the form', async () => {
  const server = new FakeServer();
  for (const n of [1, 2]) {
    server.set(
      sampleJob(n, { state: 'succeeded', settings: sampleSettings({ prompt: `thing ${n}`, steps: 10 + n }) }),
    );
  }
  server.images = [2, 1].map((n) => sampleImage(n, { parameters: `thing ${n}\nSteps: 1`, seed: n }));
  const studio = await open(server);
  await fireEvent.click(await screen.findByRole('button', { name: 'thing 2' }));
  const box = screen.getByRole('dialog', { name: 'Picture' });
  expect(await within(box).findByText('12')).toBeDefined();
  await fireEvent.keyDown(box, { key: 'ArrowRight' });
  expect(await within(box).findByText('11')).toBeDefined();
  await fireEvent.click(within(box).getByRole('button', { name: /Reuse settings/ }));
  await expect.poll(() => studio.form.prompt).toBe('thing 1');
  expect(studio.form.request()).toMatchObject({ steps: 11, seed: 1 });
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('a lost connection is said, and unsaid', async () => {
  const server = new FakeServer();
  await open(server);
  server.tell('disconnect');
  expect(await screen.findByText(/Connection lost/)).toBeDefined();
  server.tell('connect');
  await expect.poll(() => screen.queryByText(/Connection lost/)).toBeNull();
});
