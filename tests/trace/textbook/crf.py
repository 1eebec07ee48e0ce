import numpy as np

tags = [2, 0, 1, 1]


def log_sum_exp(vec):
    m = vec.max()
    return m + np.log(np.exp(vec - m).sum())


def log_partition(emissions, transitions, start):
    n, k = emissions.shape
    alpha = start + emissions[0]
    for t in range(1, n):
        alphas_t = []
        for next_tag in range(k):
            # broadcast emission score
            trans = alpha + transitions[:, next_tag] + emissions[t, next_tag]
            alphas_t.append(log_sum_exp(trans))
        alpha = np.array(alphas_t)
    return log_sum_exp(alpha)


def score_sentence(emissions, transitions, start):
    s = start[tags[0]] + emissions[0, tags[0]]
    for t, (prev, cur) in enumerate(zip(tags[:-1], tags[1:]), 1):
        s = s + transitions[prev, cur] + emissions[t][cur]
    return s


def neg_log_likelihood(emissions, transitions, start):
    return log_partition(emissions, transitions, start) - score_sentence(emissions, transitions, start)


def inputs():
    rng = np.random.default_rng(55)
    return {"emissions": rng.normal(size=(4, 3)), "transitions": rng.normal(size=(3, 3)), "start": rng.normal(size=3)}
