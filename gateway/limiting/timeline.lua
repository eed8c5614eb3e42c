-- When the places in use of one log become free again.
--
-- KEYS   1: the log, a list of times in microseconds, newest first
-- ARGV   1: the time in microseconds, or 0 to ask Redis; 2: window; 3: quota with boost; 4: most to tell
-- reply  microseconds from now, soonest first

local key, now = KEYS[1], microseconds(ARGV[1])
local window, quota, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

-- Forgets what has left the window, and heals what the clock or a stranger did.
log.look(key, now, quota, window, 1)
local used = read(key, 'LLEN', key) or 0
-- After a quota was lowered, the first to go free nothing yet.
local first = used - math.max(0, used - quota)
local reply = {}
local entries = read(key, 'LRANGE', key, math.max(0, first - most), first - 1)
if not entries or first == 0 then return reply end
for i = #entries, 1, -1 do
  local time = tonumber(entries[i])
  if time then reply[#reply + 1] = math.max(0, time + window - now) end
end
return reply
