# Pooled models on sim16, for spatialreg.json. Run from tests/oracle with R, spatialreg and nlme.
suppressMessages({library(spatialreg); library(spdep); library(nlme)})
options(digits = 15)
data <- "../../data/raw/simulated_panel/"
panel <- read.csv(paste0(data, "panel.csv"))
links <- setNames(read.csv(paste0(data, "weights.csv")), c("i", "j", "w"))
panel <- panel[order(panel$year, panel$id), ]
ids <- sort(unique(panel$id))
W <- matrix(0, length(ids), length(ids))
W[cbind(match(links$i, ids), match(links$j, ids))] <- links$w
lw <- mat2listw(kronecker(diag(length(unique(panel$year))), W), style = "W")
for (durbin in c(FALSE, TRUE)) {
  m <- sacsarlm(y ~ x1 + x2, panel, lw, Durbin = durbin, method = "eigen", tol.solve = 1e-14)
  print(c(coef(m), s2 = m$s2, loglik = as.numeric(logLik(m))))
  print(c(rho = m$rho.se, lambda = m$lambda.se, m$rest.se))
}
s <- stsls(y ~ x1 + x2, panel, lw, W2X = TRUE)
print(rbind(coef(s), sqrt(diag(s$var))))
m <- lme(y ~ x1 + x2, transform(panel, id = factor(id)), random = ~ 1 | id, method = "ML",
         control = lmeControl(tolerance = 1e-12, msTol = 1e-12))
v <- as.numeric(VarCorr(m)[, 1])
print(c(fixef(m), phi = v[1] / v[2], s2 = v[2], loglik = as.numeric(logLik(m))))
