"""What Envoy and Istio mean: facts as data, with the source of each."""
