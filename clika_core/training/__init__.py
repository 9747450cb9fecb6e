"""Fine-tuning: the loop over any backend's `Trainable`, its data, schedule, metrics, summaries and saved states.

Start reading at `trainer`. `losses`, `metrics`, `schedule`, `feed` and `randomness` are what it uses, `summary` and
`progress` what it says, `pompom` how a state is kept.
"""
