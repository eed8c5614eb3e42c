-- How long the boost of one window still lasts.
--
-- KEYS   1: the window's adjustment (a hash with boost and ban)
-- ARGV   1: the time in microseconds, or 0 to ask Redis
-- reply  microseconds, 0 when there is none

local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end
return math.max(0, (tonumber(redis.call('HGET', KEYS[1], 'quotaUntil') or nil) or 0) - now)
