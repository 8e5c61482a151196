/**
 * Details in which two widespread implementations differ, so that a picture made by either can be made again.
 *
 * - `webui`: emphasis syntax, `AND`, prompts of any length, first latents = noise · sigma[0], fractional timesteps,
 *   DDIM and PLMS end at timestep 1, pixels truncated to bytes. A picture enters as the mean of its encoding and is redone
 *   from one step more than `strength` says.
 * - `diffusers`: the prompt is plain text cut at 77 tokens, first latents = noise · √(1 + sigma[0]²), whole
 *   timesteps, float32 noise table, DDIM and PLMS end at timestep 0, pixels rounded to bytes. Sampling starts
 *   at the noise levels of its `leading` spacing unless a schedule is named. A picture enters as a draw of its encoding.
 */
export type Conventions = 'webui' | 'diffusers';
