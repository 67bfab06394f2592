/** The eight leaks of examples/leaks. */

/** What the first line says: which type it is of which there are more, what hangs on it, and by what it is held. */
export const FOUND: Readonly<Record<string, RegExp>> = {
  global_cache: /^global_cache\.Order \+100 .*, held by module global_cache > global CACHE > \[/,
  callbacks:
    /^function \+100 .*callbacks\.Basket.*, held by module callbacks > global listeners > \[/,
  kept_traceback: /^ValueError \+100 .*, held by module kept_traceback > global errors > \[/,
  cached_method:
    /^tuple \+100 .*100 cached_method\.Report.*, held by module cached_method > global Report > .*\.total > _lru_cache_wrapper\.cache/,
  unfinished_generator:
    /^generator \+100 .*, held by module unfinished_generator > global readers > \[/,
  undestroyed_proxy: /^undestroyed_proxy\.Invoice \+\d+ .*, held by JavaScript or C/,
  border_cycle: /^method \+\d+ .*border_cycle\.Widget.*, held by JavaScript or C/,
  event_handler: /^function \+\d+ .*event_handler\.Chart.*, held by JavaScript or C/,
};
