/**
 * Places where a test can end the process, as power loss would: `ATELIER_TEST_KILL_AT=commit:renamed`, or with
 * `#3` at the third time the place is passed. Nothing happens without the variable.
 */
export const faultPoint: (name: string) => void = makeFaultPoint(process.env['ATELIER_TEST_KILL_AT']);

function makeFaultPoint(wanted: string | undefined): (name: string) => void {
  if (wanted === undefined) return () => undefined;
  const [place, count = '1'] = wanted.split('#');
  let left = Number(count);
  return (name) => {
    if (name === place && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
