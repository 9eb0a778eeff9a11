"""Our figures beside those of the peer, a plain handler written the usual way.

`building` builds the peer as `sam build` does; `contenders` runs it and ours on the same local
stack; `processor` and `cold_start` limit a first answer to the share of a processor that Lambda
gives; `measurement` measures all of them in turn; `comparison` compares ours with the peers and the
targets; `report` prints the result.

Sweeps have files of their own: `sweeping` measures them with the jobs of a `fleet`, an Atlas in a
separate process (`atlas_process`) and a `prepared_index`; `detection` lets jobs with the recorded
`timelines` run in accelerated time; `costs` computes dollars from `prices.toml`; `sweep_report`
prints all of it.
"""
