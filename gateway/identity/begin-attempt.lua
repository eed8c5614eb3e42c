-- Counts an attempt to log in, unless it follows too soon upon those that have failed.
--
-- KEYS   1: the subject's attempts (hash: count, lastMs)
-- ARGV   1: attempts without a delay  2: first delay  3: longest delay  4: forgotten after (all three in milliseconds)
-- reply  0 counted | milliseconds to wait, and nothing counted

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.pcall('HMGET', KEYS[1], 'count', 'lastMs')
if kept.err then
  redis.call('DEL', KEYS[1])
  kept = {}
end
local count = tonumber(kept[1]) or 0

if count >= tonumber(ARGV[1]) then
  local delay = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) * 2 ^ (count - ARGV[1]))
  -- A clock that was set back makes nobody wait longer than the delay.
  local last = math.min(tonumber(kept[2]) or 0, now)
  if last + delay > now then return last + delay - now end
end
redis.call('HSET', KEYS[1], 'count', count + 1, 'lastMs', now)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 0
