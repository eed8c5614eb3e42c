-- Another quota for one window, for a while.
--
-- KEYS   1: the window's adjustment (a hash with boost and ban)
-- ARGV   1: the time in microseconds, or 0 to ask Redis  2: quota  3: for how many milliseconds
-- reply  1

local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
-- Of a wrong type it could never be written again.
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'quota', ARGV[2], 'quotaUntil', string.format('%.0f', now + ARGV[3] * 1000))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
