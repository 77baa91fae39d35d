"""The entries of the texts' catalogue whose worked numbers are tests: of kind optimizer and technique, files 01 to 04."""

_WORKED = {
    "01": """
        bounded-output pathwise-aggregation backprop-dp loss-to-weight weights-as-nodes backprop-postactivation
        backprop-preactivation backprop-decoupled vector-chain-rule jacobian-op weight-outer-product
        vector-dag-backprop sgd-family lr-decay gradient-check weight-decay hidden-node-loss shared-weights
        feature-preprocessing whitening initialisation steepest-x2-y10 forward-mode all-pairs-derivatives
    """,
    "02": """
        least-squares-closed-form l2-shrinkage irls-and-gis encoder-pseudoinverse weight-tying
        word-context-matrix negative-sampling-distribution multi-hop-affinity link-prediction-affinities
        rbf-bias-unit rbf-bandwidth-heuristics rbf-output-ridge rbf-input-sensitivity
    """,
    "03": """
        steepest-descent leaky-relu feature-normalization whitening init-fan-in init-glorot momentum nesterov
        delta-bar-delta adagrad rmsprop adadelta rmsprop-nesterov adam clip-value clip-norm polyak-simple
        polyak-exponential newton newton-damped line-search-binary line-search-golden conjugate-gradient
        gram-schmidt-conjugate hessian-vector-fd linear-cg-newton nonlinear-cg bfgs dfp l-bfgs
        batch-norm-inference layer-norm async-sgd low-rank-layer hashed-weights biblio-coordinate-descent
        biblio-diagonal-hessian biblio-saddle-free biblio-weight-norm
    """,
    "04": """
        train-validation-test-split holdout-evaluation leave-one-out-cv l2-penalty weight-decay
        input-noise-equals-l2 l1-penalty l1-subgradient-at-zero l1-feature-selection
        l1-hidden-activation-penalty bagging ensemble-combiners dropout-high-rate-momentum-maxnorm
        weight-scaling-inference early-stopping continuation-learning soft-weight-sharing reparameterisation
        gaussian-kl
    """,
}
WORKED = [f"{file}:{entry}" for file, entries in _WORKED.items() for entry in entries.split()]

# Entries whose numbers are no exact tests, and why: their data, seeds or networks are not stated.
MEASURED = {
    "02:rbf-bandwidth-holdout": "errors on one draw of a noisy sine whose seed is not stated",
    "03:weight-pruning": "accuracies of one training",
    "03:lottery-ticket": "accuracies of one training",
    "03:quantization-huffman": "sizes of a network reported elsewhere, and accuracies of one training",
    "04:noise-injection-nonlinear": "accuracies of a simulation",
    "04:subsampling": "accuracies of a simulation",
    "04:randomized-connection-dropping": "accuracies of a simulation",
    "04:dropout": "accuracies of a simulation; a range of rates to choose from",
    "04:data-perturbation-ensemble": "accuracies of a simulation",
    "04:grouped-layer-pretraining": "the depth of a network reported elsewhere",
    "04:curriculum-learning": "accuracies of a simulation",
}
