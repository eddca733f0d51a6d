"""The direct likelihood with unit effects is spreg's; the transformation widens its errors."""

from __future__ import annotations

import numpy as np
import pytest
import spreg

import ccec_econ as ce

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")  # spreg's use of pandas
OPTIMISER = 1e-5  # spreg stops its search for rho at a tolerance of 1e-7 in the likelihood


@pytest.mark.parametrize("lags", [0, 1], ids=["sar", "sdm"])
def test_spreg_fixed_effects_lag(sim16, lags: int) -> None:
    panel, W = sim16
    ordered = panel.swaplevel().sort_index()  # spreg trusts that rows are time-major
    peer = spreg.ML_LagFE(
        ordered[["y"]].to_numpy(), ordered[["x1", "x2"]].to_numpy(), W, slx_lags=lags
    )
    model = ce.sdm if lags else ce.sar
    direct = model("y ~ x1 + x2 | id", panel, W, method="direct")
    np.testing.assert_allclose(direct.params, peer.betas.ravel(), atol=OPTIMISER)
    np.testing.assert_allclose(direct.std_errors, np.sqrt(np.diag(peer.vm)), rtol=1e-3)
    assert direct.loglik == pytest.approx(float(peer.logll), abs=1e-6)
    # Lee-Yu: sigma2 is SSE/(n(T - 1)), not SSE/(nT), so standard errors grow with it
    default = model("y ~ x1 + x2 | id", panel, W)
    np.testing.assert_allclose(default.params, direct.params, atol=1e-9)
    assert default.sigma2 == pytest.approx(direct.sigma2 * 12 / 11)
    assert (default.std_errors > 1.02 * direct.std_errors).all()
