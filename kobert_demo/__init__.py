"""KoBERT Demo: upload a TSV, fine-tune KoBERT, watch it live, classify Korean sentences.

Data flows one way, and the modules are named after its stations: bytes -> Dataset -> Encoding ->
`train()` yields events -> RunStore -> charts; model bundle -> Predictor -> Prediction -> page.
"""
