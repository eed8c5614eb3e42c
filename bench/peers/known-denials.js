// What these libraries lack and a tuned setup adds: who is over the limit is answered from memory until the window ends.
const untilMs = new Map()

export const rememberDenial = (caller, forMs) => untilMs.set(caller, Date.now() + forMs)

/** Whole seconds until the caller may call again; 0 when nothing is known. */
export function knownDenialSeconds(caller) {
  const until = untilMs.get(caller)
  if (until === undefined) return 0
  const seconds = Math.ceil((until - Date.now()) / 1000)
  if (seconds <= 0) untilMs.delete(caller)
  return Math.max(0, seconds)
}
