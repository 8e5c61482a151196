export const USAGE = `Atelier: a self-hosted Stable Diffusion studio.

Usage: npx atelier <command> [options]

  generate "a red apple" -o apple.png   Draw pictures without a server
  serve                                 Start the server (the same as npm start)
  doctor                                Say what this machine has and what is wrong

  --help, --version                     Also after a command
`;

export const GENERATE_USAGE = `Usage: npx atelier generate "what to draw" [options]

  -o, --output FILE      Where the picture goes; - is standard output [atelier-SEED.png]
  -m, --model NAME       A checkpoint in models/checkpoints, or the path of one
  -n, --negative TEXT    What to keep out of the picture
      --sampler NAME     e.g. "Euler a", "DPM++ 2M"
      --scheduler NAME   e.g. Automatic, Karras
      --steps NUMBER
      --size WxH         Pixels, multiples of 8, e.g. 512x512
      --cfg NUMBER       How closely to follow the prompt; 1 turns guidance off
      --seed NUMBER      The same seed draws the same picture; -1 picks one [-1]
      --count NUMBER     How many pictures; each has the next seed [1]
      --threads NUMBER   CPU threads; 0 lets the engine choose [0]
      --models FOLDER    Where models lie [models]
      --help

What is left out is taken from the model, which may ask for a size and settings of its own.
Exit codes: 0 drawn, 1 failed, 2 wrong arguments, 130 stopped by Ctrl+C.
`;

export const DOCTOR_USAGE = `Usage: npx atelier doctor [options]

  --models, --outputs, --data FOLDER, --port NUMBER   As for npm start

Exit codes: 0 all is well (there may be warnings), 1 something is wrong, 2 wrong arguments.
`;
