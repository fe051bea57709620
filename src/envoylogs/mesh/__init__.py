"""What the mesh was told: documents, route tables with Envoy's matching, and Istio's intent."""
